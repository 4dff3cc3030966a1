package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func runSteps(arguments ...string) (code int, log string) {
	var out bytes.Buffer
	code = newProcess(&out).run(arguments)
	return code, out.String()
}

func TestSteps(t *testing.T) {
	t.Setenv("MODE", "fast")
	file := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(file, []byte("pool=10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		steps []string
		code  int
		log   string
	}{
		{[]string{"log=hello world", "sleep=1ms"}, 0, "hello world\n"},
		{[]string{"exit=3", "log=never"}, 3, ""},
		{[]string{"log=first", "dance=now"}, exUsage, "unknown step \"dance=now\""},
		{[]string{"sleep=soon"}, exUsage, `step "sleep=soon": "soon" is not a duration`},
		{[]string{"require-env=DATABASE_URL"}, 1, "fatal: missing required environment variable DATABASE_URL"},
		{[]string{"expect-env=MODE:fast", "expect-file=" + file + ":pool=10"}, 0, ""},
		{[]string{"expect-env=MODE:slow"}, 1, `MODE is "fast", expected "slow"`},
		{[]string{"expect-file=" + file + ":pool=99"}, 1, `does not hold "pool=99"`},
		{[]string{"require-file=/no/such/file"}, 1, "/no/such/file: no such file or directory"},
		{[]string{"write=" + file + ":10Ki"}, 0, "wrote 10Ki to " + file},
		{[]string{"write=/no/such/file:1"}, 1, "no such file or directory"},
		{[]string{"allocate=2Mi", "burn=1ms", "open-files=3"}, 0, "allocated 2Mi\nburning 1 cores for 1ms\nopened 3 files"},
		{[]string{"resolve=nowhere.invalid"}, 1, "resolve nowhere.invalid: lookup nowhere.invalid"},
	} {
		code, log := runSteps(c.steps...)
		if code != c.code || !strings.Contains(log, c.log) {
			t.Errorf("%q: exit code %d, log %q; wanted %d, %q", c.steps, code, log, c.code, c.log)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func TestAServerIsReachedByTheOtherSteps(t *testing.T) {
	http8080, tcp := freePort(t), freePort(t)
	code, log := runSteps("serve="+http8080, "tcp="+tcp, "connect=127.0.0.1:"+tcp, "get=http://127.0.0.1:"+http8080+"/healthz")
	if code != 0 || !strings.Contains(log, "connected\n") || !strings.Contains(log, "HTTP 200 OK") {
		t.Errorf("exit code %d, log %q", code, log)
	}
	code, log = runSteps("tries=2", "every=1ms", "connect=127.0.0.1:"+freePort(t))
	if code != 1 || strings.Count(log, "connection refused") != 2 {
		t.Errorf("exit code %d, log %q", code, log)
	}
}

func statusOf(t *testing.T, handler http.Handler, method, url string) int {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, url, nil))
	return recorder.Code
}

func TestPages(t *testing.T) {
	p := newProcess(io.Discard)
	for url, want := range map[string]int{
		"/": 200, "/healthz": 200, "/ready": 200, "/status/503": 503, "/slow?d=1ms": 200, "/slow?d=x": 400, "/none": 404,
	} {
		if got := statusOf(t, p.pages(), "GET", url); got != want {
			t.Errorf("GET %s: %d, wanted %d", url, got, want)
		}
	}
	if code := p.run([]string{"ready-after=20ms"}); code != 0 {
		t.Fatal(code)
	}
	if got := statusOf(t, p.pages(), "GET", "/ready"); got != 503 {
		t.Errorf("ready too early: %d", got)
	}
	time.Sleep(100 * time.Millisecond)
	if got := statusOf(t, p.pages(), "GET", "/ready"); got != 200 {
		t.Errorf("never ready: %d", got)
	}
}

func TestAStepAskedForOverHTTPEndsTheProgram(t *testing.T) {
	codes := make(chan int, 1)
	endProgram = func(code int) { codes <- code }
	t.Cleanup(func() { endProgram = os.Exit })
	statusOf(t, newProcess(io.Discard).pages(), "POST", "/run?step=exit=7")
	if code := <-codes; code != 7 {
		t.Errorf("exit code %d", code)
	}
}

func TestTheRegistryServesTagsAndBlobs(t *testing.T) {
	const digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	root := t.TempDir()
	for path, content := range map[string]string{"tags/workload/1": digest, "blobs/" + strings.Replace(digest, ":", "/", 1): "{}"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for url, want := range map[string]int{
		"/v2/":                             200,
		"/v2/workload/manifests/1":         200,
		"/v2/workload/manifests/missing":   404,
		"/v2/nothing/manifests/1":          404,
		"/v2/workload/manifests/" + digest: 200,
		"/v2/workload/blobs/" + digest:     200,
		"/v2/workload/blobs/sha256:12":     404,
		"/v2/../../etc/manifests/passwd":   404,
	} {
		if got := statusOf(t, registry{root}, "GET", url); got != want {
			t.Errorf("GET %s: %d, wanted %d", url, got, want)
		}
	}
	if got := statusOf(t, registry{root}, "PUT", "/v2/workload/manifests/1"); got != 405 {
		t.Errorf("PUT: %d", got)
	}
}
