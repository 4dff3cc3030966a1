// Command workload is the program in every container of the lab's tests.
//
// Its arguments are steps, run in their order: `workload log=starting serve=8080 sleep=2s exit=3`. Steps that
// serve go on in the background. When the last step is done, the program ends with 0; `hang` keeps it alive.
// `workload registry` is another program in the same file: the lab's image registry.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "registry" {
		os.Exit(runRegistry(arguments[1:]))
	}
	process := newProcess(os.Stdout)
	endOnTerm(process)
	code := process.run(arguments)
	os.Exit(code)
}

// endOnTerm lets SIGTERM end the program with 0. As PID 1 of a container it gets no default action from the kernel,
// so without this every deletion would take the pod's whole grace period.
func endOnTerm(p *process) {
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for range terms {
			if p.ignoresTerm.Load() {
				p.log("SIGTERM ignored")
				continue
			}
			p.log("SIGTERM: shutting down")
			os.Exit(0)
		}
	}()
}

func (p *process) log(format string, values ...any) {
	p.writing.Lock()
	defer p.writing.Unlock()
	fmt.Fprintf(p.out, format+"\n", values...)
}
