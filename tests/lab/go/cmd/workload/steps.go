package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	exitFailed = 1
	// exUsage is sysexits.h's code for a command line that makes no sense.
	exUsage = 64
)

// process is what the steps of one command line share.
type process struct {
	out         io.Writer
	writing     sync.Mutex
	ignoresTerm atomic.Bool
	ready       gate
	healthy     gate
	retry       retry
	held        [][]byte   // memory that stays allocated
	files       []*os.File // files that stay open
}

func newProcess(out io.Writer) *process {
	p := &process{out: out, retry: retry{tries: 1, every: time.Second, timeout: 3 * time.Second}}
	p.ready.set(true)
	p.healthy.set(true)
	return p
}

// ended says that a step ends the program, with which code.
type ended struct{ code int }

func (e ended) Error() string { return fmt.Sprintf("exit %d", e.code) }

// misused is a step that nobody could run, whatever the world is like.
type misused struct{ what string }

func (m misused) Error() string { return m.what }

type step func(p *process, value string) error

// steps is filled in init because the step `fork-allocate` and the page /run look steps up in it.
var steps map[string]step

func init() {
	steps = map[string]step{
		"log":             func(p *process, text string) error { p.log("%s", text); return nil },
		"sleep":           sleep,
		"hang":            func(*process, string) error { select {} },
		"exit":            exit,
		"signal":          dieOfSignal,
		"panic":           func(_ *process, text string) error { panic(text) },
		"ignore-term":     func(p *process, _ string) error { p.ignoresTerm.Store(true); return nil },
		"serve":           serve,
		"tcp":             listenTCP,
		"udp":             listenUDP,
		"ready-after":     func(p *process, value string) error { return p.ready.switchAfter(value, true) },
		"unready-after":   func(p *process, value string) error { return p.ready.switchAfter(value, false) },
		"unhealthy-after": func(p *process, value string) error { return p.healthy.switchAfter(value, false) },
		"tries":           func(p *process, value string) error { return number(value, &p.retry.tries) },
		"every":           func(p *process, value string) error { return duration(value, &p.retry.every) },
		"timeout":         func(p *process, value string) error { return duration(value, &p.retry.timeout) },
		"connect":         func(p *process, address string) error { return p.attempt("connect "+address, connect(address)) },
		"connect-forever": func(p *process, address string) error { return p.forever("connect "+address, connect(address)) },
		"get":             func(p *process, url string) error { return p.attempt("get "+url, get(url)) },
		"get-forever":     func(p *process, url string) error { return p.forever("get "+url, get(url)) },
		"resolve":         func(p *process, name string) error { return p.attempt("resolve "+name, resolve(name)) },
		"resolve-forever": func(p *process, name string) error { return p.forever("resolve "+name, resolve(name)) },
		"allocate":        allocate,
		"fork-allocate":   forkAllocate,
		"burn":            burn,
		"open-files":      openFiles,
		"write":           write,
		"require-env":     requireEnv,
		"expect-env":      expectEnv,
		"require-file":    requireFile,
		"expect-file":     expectFile,
	}
}

// run does the steps one after the other and gives the program's exit code.
func (p *process) run(arguments []string) int {
	for _, argument := range arguments {
		if err := p.do(argument); err != nil {
			return p.codeOf(err)
		}
	}
	return 0
}

func (p *process) do(argument string) error {
	name, value, _ := strings.Cut(argument, "=")
	do, known := steps[name]
	if !known {
		names := strings.Join(slices.Sorted(maps.Keys(steps)), ", ")
		return misused{fmt.Sprintf("unknown step %q; the steps are: %s", argument, names)}
	}
	err := do(p, value)
	if m := (misused{}); errors.As(err, &m) {
		return misused{fmt.Sprintf("step %q: %s", argument, m.what)}
	}
	return err
}

func (p *process) codeOf(err error) int {
	if end := (ended{}); errors.As(err, &end) {
		return end.code
	}
	if m := (misused{}); errors.As(err, &m) {
		p.log("workload: %s", m.what)
		return exUsage
	}
	p.log("fatal: %s", err)
	return exitFailed
}

func sleep(_ *process, value string) error {
	var d time.Duration
	if err := duration(value, &d); err != nil {
		return err
	}
	time.Sleep(d)
	return nil
}

func exit(_ *process, value string) error {
	var code int
	if err := number(value, &code); err != nil {
		return err
	}
	return ended{code}
}

func duration(value string, into *time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return misused{fmt.Sprintf("%q is not a duration such as 500ms or 2s", value)}
	}
	*into = d
	return nil
}

func number(value string, into *int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return misused{fmt.Sprintf("%q is not a whole number", value)}
	}
	*into = n
	return nil
}

// size reads a quantity of bytes as Kubernetes writes it: 64Mi, 10Ki, 1Gi or plain bytes.
func size(value string, into *int) error {
	digits, unit := value, 1
	for suffix, bytes := range map[string]int{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30} {
		if before, found := strings.CutSuffix(value, suffix); found {
			digits, unit = before, bytes
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return misused{fmt.Sprintf("%q is not a size such as 64Mi", value)}
	}
	*into = n * unit
	return nil
}
