"""Who may do what."""

from tapio.unified.objects.part import ObjectMeta, Part


class Grantee(Part, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""


class RoleRef(Part, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""


class _Binding(Part, frozen=True, kw_only=True):
    metadata: ObjectMeta = ObjectMeta()
    role_ref: RoleRef = RoleRef()
    subjects: tuple[Grantee, ...] = ()


class RoleBinding(_Binding, frozen=True, kw_only=True, tag_field="kind", tag="RoleBinding"):
    pass


class ClusterRoleBinding(_Binding, frozen=True, kw_only=True, tag_field="kind", tag="ClusterRoleBinding"):
    pass
