package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
)

// registry answers the reading half of the OCI distribution API from a folder:
//
//	blobs/sha256/HEX    layers, configurations and manifests
//	tags/NAME/TAG       a file that holds the manifest's digest
type registry struct{ root string }

var (
	manifestPath = regexp.MustCompile(`^/v2/([a-z0-9][a-z0-9._/-]*)/manifests/([A-Za-z0-9_][A-Za-z0-9._-]*|sha256:[0-9a-f]{64})$`)
	blobPath     = regexp.MustCompile(`^/v2/[a-z0-9][a-z0-9._/-]*/blobs/(sha256:[0-9a-f]{64})$`)
	digestForm   = regexp.MustCompile(`^sha256:([0-9a-f]{64})$`)
)

func runRegistry(arguments []string) int {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	root := flags.String("root", "", "the folder with blobs/ and tags/")
	listen := flags.String("listen", "127.0.0.1:5000", "the address to listen on")
	if err := flags.Parse(arguments); err != nil || *root == "" {
		fmt.Fprintln(os.Stderr, "usage: workload registry --root DIR --listen ADDR")
		return exUsage
	}
	fmt.Println("registry: serving", *root, "on", *listen)
	fmt.Fprintln(os.Stderr, "registry:", http.ListenAndServe(*listen, registry{*root}))
	return exitFailed
}

func (g registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fmt.Println(r.RemoteAddr, r.Method, r.URL.Path)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is read-only")
		return
	}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if r.URL.Path == "/v2/" {
		return
	}
	if match := manifestPath.FindStringSubmatch(r.URL.Path); match != nil {
		g.manifest(w, r, match[1], match[2])
		return
	}
	if match := blobPath.FindStringSubmatch(r.URL.Path); match != nil {
		g.blob(w, r, match[1], "application/octet-stream", "BLOB_UNKNOWN")
		return
	}
	refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "no such page")
}

func (g registry) manifest(w http.ResponseWriter, r *http.Request, name, reference string) {
	digest := reference
	if !digestForm.MatchString(reference) {
		tagged, err := os.ReadFile(filepath.Join(g.root, "tags", filepath.Clean("/"+name), reference))
		if err != nil {
			refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown: "+name+":"+reference)
			return
		}
		digest = string(tagged)
	}
	g.blob(w, r, digest, "application/vnd.oci.image.manifest.v1+json", "MANIFEST_UNKNOWN")
}

func (g registry) blob(w http.ResponseWriter, r *http.Request, digest, mediaType, unknown string) {
	match := digestForm.FindStringSubmatch(digest)
	if match == nil {
		refuse(w, http.StatusNotFound, unknown, "not a digest: "+digest)
		return
	}
	file := filepath.Join(g.root, "blobs", "sha256", match[1])
	if _, err := os.Stat(file); err != nil {
		refuse(w, http.StatusNotFound, unknown, "unknown: "+digest)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	http.ServeFile(w, r, file)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
