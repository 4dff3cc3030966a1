package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// endProgram is a variable so that a test can stay alive.
var endProgram = os.Exit

// allocate takes memory and touches it, a MiB at a time, so that the kernel meets the limit while the log lines are
// out: allocate=64Mi at once, or allocate=64Mi:20s as a leak does. The memory stays taken.
func allocate(p *process, value string) error {
	bytes, over, timed := strings.Cut(value, ":")
	var total int
	if err := size(bytes, &total); err != nil {
		return err
	}
	var spread time.Duration
	if timed {
		if err := duration(over, &spread); err != nil {
			return err
		}
	}
	p.log("allocating %s", bytes)
	const piece = 1 << 20
	pause := spread * piece / time.Duration(max(total, piece))
	for taken := 0; taken < total; taken += piece {
		// Mapped, not made: a garbage collector that runs short of memory would change what the test sees.
		memory, err := syscall.Mmap(-1, 0, piece, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return fmt.Errorf("allocate: %w", err)
		}
		for page := 0; page < piece; page += os.Getpagesize() {
			memory[page] = 1
		}
		p.held = append(p.held, memory)
		time.Sleep(pause)
	}
	p.log("allocated %s", bytes)
	return nil
}

// forkAllocate lets a child allocate: the kernel kills the child, and Kubernetes never hears of it.
func forkAllocate(p *process, value string) error {
	child := exec.Command("/proc/self/exe", "allocate="+value)
	child.Stdout = p.out
	p.log("starting a child")
	if err := child.Run(); err != nil {
		p.log("child: %s", err)
		return nil
	}
	p.log("child: done")
	return nil
}

// burn keeps a core busy for a while: burn=10s, or burn=10s:2 for two of them.
func burn(p *process, value string) error {
	during, threads, several := strings.Cut(value, ":")
	var d time.Duration
	if err := duration(during, &d); err != nil {
		return err
	}
	n := 1
	if several {
		if err := number(threads, &n); err != nil {
			return err
		}
	}
	p.log("burning %d cores for %s", n, d)
	until := time.Now().Add(d)
	done := make(chan struct{})
	for range n {
		go func() {
			for time.Now().Before(until) {
			}
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
	return nil
}

func openFiles(p *process, value string) error {
	var n int
	if err := number(value, &n); err != nil {
		return err
	}
	// Go raises the soft limit at start; a program in another language would meet it.
	for range n {
		file, err := os.Open("/dev/null")
		if err != nil {
			return fmt.Errorf("after %d files: %w", len(p.files), err)
		}
		p.files = append(p.files, file)
	}
	p.log("opened %d files", n)
	return nil
}

// write fills a file, in pieces, so that a disk or a quota that is full shows as the error that programs log.
func write(p *process, value string) error {
	path, bytes, sized := strings.Cut(value, ":")
	if !sized {
		return misused{"use write=PATH:SIZE"}
	}
	var total int
	if err := size(bytes, &total); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	piece := make([]byte, 64<<10)
	for written := 0; written < total; written += len(piece) {
		if _, err := file.Write(piece[:min(len(piece), total-written)]); err != nil {
			return err
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	p.log("wrote %s to %s", bytes, path)
	return nil
}

var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "BUS": syscall.SIGBUS, "FPE": syscall.SIGFPE, "ILL": syscall.SIGILL,
	"KILL": syscall.SIGKILL, "SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM,
}

// dieOfSignal ends the program by a signal. SEGV is a real bad access; the kernel keeps every other signal that
// PID 1 of a container sends to itself from it, so those end with the code that a shell would show.
func dieOfSignal(p *process, name string) error {
	signal, known := signals[strings.TrimPrefix(name, "SIG")]
	if !known {
		return misused{fmt.Sprintf("%q is none of ABRT, BUS, FPE, ILL, KILL, SEGV, TERM", name)}
	}
	p.log("dying of SIG%s", strings.TrimPrefix(name, "SIG"))
	setDefaultAction(signal)
	if signal == syscall.SIGSEGV {
		var nowhere *byte
		*nowhere = 1
	}
	_ = syscall.Kill(os.Getpid(), signal)
	time.Sleep(100 * time.Millisecond)
	return ended{128 + int(signal)}
}

// setDefaultAction takes Go's own handler away: it would turn the bad access into a panic and exit code 2.
func setDefaultAction(signal syscall.Signal) {
	action := struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}{}
	const maskSize = 8
	_, _, _ = syscall.RawSyscall6(
		syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&action)), 0, maskSize, 0, 0,
	)
}
