package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

const (
	namespace   = "tapio-bench"
	podsPerNode = 100
	atOnce      = 32
	kwok        = "kwok.x-k8s.io/node"
)

// makePods makes fake nodes and pods that are bound to them, and waits until kwok says of all that they run.
func makePods(ctx context.Context, client *kubernetes.Clientset, count int) error {
	where := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, where, metav1.CreateOptions{}); !isThere(err) {
		return err
	}
	err := inParallel(count/podsPerNode+1, func(number int) error {
		_, err := client.CoreV1().Nodes().Create(ctx, fakeNode(number), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	err = inParallel(count, func(number int) error {
		_, err := client.CoreV1().Pods(namespace).Create(ctx, fakePod(number), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return untilRunning(ctx, client, count)
}

// touch moves the readiness of the first pods, one patch each, as a kubelet does when a probe begins or ceases to fail.
func touch(ctx context.Context, client *kubernetes.Clientset, count int, round int) error {
	ready := map[string]any{"type": "Ready", "status": "True", "reason": "", "message": ""}
	if round%2 == 1 {
		ready = map[string]any{
			"type": "Ready", "status": "False",
			"reason": "ContainersNotReady", "message": "containers with unready status: [app]",
		}
	}
	ready["lastTransitionTime"] = metav1.Now()
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []any{ready}}})
	if err != nil {
		return err
	}
	return inParallel(count, func(number int) error {
		name, how := fmt.Sprintf("app-%d", number), types.StrategicMergePatchType
		_, err := client.CoreV1().Pods(namespace).Patch(ctx, name, how, patch, metav1.PatchOptions{}, "status")
		return err
	})
}

// clean removes the pods at once, then the fake nodes and the namespace, and waits until that is gone too.
func clean(ctx context.Context, client *kubernetes.Clientset) error {
	now := int64(0)
	atOnce := metav1.DeleteOptions{GracePeriodSeconds: &now}
	left, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	err = inParallel(len(left.Items), func(number int) error {
		return ifThere(client.CoreV1().Pods(namespace).Delete(ctx, left.Items[number].Name, atOnce))
	})
	if err != nil {
		return err
	}
	fake := metav1.ListOptions{LabelSelector: "type=kwok"}
	if err := client.CoreV1().Nodes().DeleteCollection(ctx, metav1.DeleteOptions{}, fake); err != nil {
		return err
	}
	if err := ifThere(client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})); err != nil {
		return err
	}
	return untilGone(ctx, client)
}

func untilGone(ctx context.Context, client *kubernetes.Clientset) error {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		if _, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err != nil {
			return ifThere(err)
		}
	}
	return fmt.Errorf("the namespace %s stays", namespace)
}

// ifThere is no error where the object is gone already.
func ifThere(err error) error {
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}

func untilRunning(ctx context.Context, client *kubernetes.Clientset, count int) error {
	waiting := metav1.ListOptions{FieldSelector: "status.phase!=Running", Limit: 1}
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		left, err := client.CoreV1().Pods(namespace).List(ctx, waiting)
		if err != nil || len(left.Items) == 0 {
			return err
		}
	}
	return fmt.Errorf("not all of %d pods run; is kwok at work?", count)
}

func inParallel(count int, work func(int) error) error {
	numbers := make(chan int)
	var group sync.WaitGroup
	var once sync.Once
	var failed error
	for range atOnce {
		group.Go(func() {
			for number := range numbers {
				if err := work(number); !isThere(err) {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for number := range count {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	return failed
}

// isThere says whether the object is there now, made by this run or by one before.
func isThere(err error) bool {
	return err == nil || errors.IsAlreadyExists(err)
}

func fakeNode(number int) *corev1.Node {
	room := corev1.ResourceList{"cpu": resource.MustParse("64"), "memory": resource.MustParse("256Gi"), "pods": resource.MustParse("110")}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        fmt.Sprintf("fake-%d", number),
			Annotations: map[string]string{kwok: "fake"},
			Labels:      map[string]string{"type": "kwok"},
		},
		Spec:   corev1.NodeSpec{Taints: []corev1.Taint{{Key: kwok, Value: "fake", Effect: corev1.TaintEffectNoSchedule}}},
		Status: corev1.NodeStatus{Allocatable: room, Capacity: room},
	}
}

// fakePod is a pod as a Deployment of three would make it, bound already: replicas alike, applications not.
func fakePod(number int) *corev1.Pod {
	app := number / 3
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}}}
	var env []corev1.EnvVar
	for key := range 12 {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", key), Value: fmt.Sprintf("%d of app %d", key, app)})
	}
	asked := corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("128Mi")}
	most := corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("256Mi")}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:   fmt.Sprintf("app-%d", number),
			Labels: map[string]string{"app": fmt.Sprintf("app-%d", app), "pod-template-hash": fmt.Sprintf("%x", app)},
		},
		Spec: corev1.PodSpec{
			NodeName:    fmt.Sprintf("fake-%d", number/podsPerNode),
			Tolerations: []corev1.Toleration{{Key: kwok, Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name: "app", Image: fmt.Sprintf("registry.test/team/app-%d:1.4.2", app), Env: env,
				Args:          []string{"serve", "--port=8080", fmt.Sprintf("--app=%d", app)},
				Ports:         []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				LivenessProbe: probe, ReadinessProbe: probe,
				Resources: corev1.ResourceRequirements{Requests: asked, Limits: most},
			}},
		},
	}
}
