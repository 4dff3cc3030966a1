package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// gate is a yes or no that may change by itself after a while.
type gate struct{ open atomic.Bool }

func (g *gate) set(open bool) { g.open.Store(open) }

func (g *gate) switchAfter(value string, open bool) error {
	var d time.Duration
	if err := duration(value, &d); err != nil {
		return err
	}
	g.set(!open)
	time.AfterFunc(d, func() { g.set(open) })
	return nil
}

func (g *gate) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if !g.open.Load() {
		http.Error(w, "not yet, or no more", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// retry says how often and how patiently the steps that ask the network try.
type retry struct {
	tries          int
	every, timeout time.Duration
}

type question func(ctx context.Context) (answer string, err error)

// attempt asks until it gets an answer, as often as `tries` says; the last error is logged and ends the program.
func (p *process) attempt(what string, ask question) error {
	for try := 1; ; try++ {
		err := p.askOnce(what, ask)
		if err == nil {
			return nil
		}
		if try >= p.retry.tries {
			return ended{exitFailed}
		}
		time.Sleep(p.retry.every)
	}
}

// forever asks again and again and logs each answer, good or bad.
func (p *process) forever(what string, ask question) error {
	for {
		_ = p.askOnce(what, ask)
		time.Sleep(p.retry.every)
	}
}

func (p *process) askOnce(what string, ask question) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.retry.timeout)
	defer cancel()
	answer, err := ask(ctx)
	if err != nil {
		p.log("%s: %s", what, err)
		return err
	}
	p.log("%s: %s", what, answer)
	return nil
}

func connect(address string) question {
	return func(ctx context.Context) (string, error) {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return "", err
		}
		return "connected", connection.Close()
	}
}

func resolve(name string) question {
	return func(ctx context.Context) (string, error) {
		addresses, err := net.DefaultResolver.LookupHost(ctx, name)
		return strings.Join(addresses, " "), err
	}
}

func get(url string) question {
	return func(ctx context.Context) (string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		request.Close = true // a kept connection would stick to one pod of a Service
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return "", err
		}
		if response.StatusCode >= http.StatusBadRequest {
			return "", fmt.Errorf("HTTP %s", response.Status)
		}
		return "HTTP " + response.Status, nil
	}
}

// serve answers HTTP on a port, in the background.
func serve(p *process, port string) error {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	p.log("serving HTTP on port %s", port)
	go func() { p.log("HTTP: %s", http.Serve(listener, p.pages())) }()
	return nil
}

func (p *process) pages() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	pages.Handle("GET /healthz", &p.healthy)
	pages.Handle("GET /ready", &p.ready)
	pages.HandleFunc("GET /status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil || code < 200 || code > 599 {
			http.Error(w, "no such status", http.StatusBadRequest)
			return
		}
		w.WriteHeader(code)
	})
	pages.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		if err := sleep(p, r.FormValue("d")); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	pages.HandleFunc("POST /run", p.runStep)
	return pages
}

// runStep lets a test break a program that has been fine so far: POST /run?step=exit=3.
func (p *process) runStep(w http.ResponseWriter, r *http.Request) {
	argument := r.FormValue("step")
	p.log("asked to run %s", argument)
	fmt.Fprintln(w, "running", argument)
	go func() {
		if err := p.do(argument); err != nil {
			endProgram(p.codeOf(err))
		}
	}()
}

// listenTCP accepts connections and says nothing on them, as a database's port does to a bare probe.
func listenTCP(p *process, port string) error {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	p.log("listening on TCP port %s", port)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				p.log("TCP: %s", err)
				return
			}
			go func() { _, _ = io.Copy(io.Discard, connection); _ = connection.Close() }()
		}
	}()
	return nil
}

// listenUDP sends every packet back.
func listenUDP(p *process, port string) error {
	connection, err := net.ListenPacket("udp", ":"+port)
	if err != nil {
		return err
	}
	p.log("listening on UDP port %s", port)
	go func() {
		packet := make([]byte, 64<<10)
		for {
			n, from, err := connection.ReadFrom(packet)
			if err != nil {
				p.log("UDP: %s", err)
				return
			}
			_, _ = connection.WriteTo(packet[:n], from)
		}
	}()
	return nil
}
