// Command clientgo is what bench_cluster needs of client-go: a shared informer as a yardstick, and pods to read.
//
//	clientgo KUBECONFIG inform N [json]   keeps every pod and follows N updates; says a line at each step
//	clientgo KUBECONFIG make N            fake nodes and N pods, for kwok to run
//	clientgo KUBECONFIG touch N ROUND     moves the readiness of the first N pods, another way in each round
//	clientgo KUBECONFIG clean             removes them
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("usage: clientgo KUBECONFIG inform N [json] | make N | touch N ROUND | clean")
	}
	config, err := clientcmd.BuildConfigFromFlags("", arguments[0])
	if err != nil {
		return err
	}
	command, rest := arguments[1], arguments[2:]
	switch command {
	case "inform":
		return inform(ctx, config, number(rest, 0), len(rest) > 1)
	case "make":
		return makePods(ctx, hasty(config), number(rest, 0))
	case "touch":
		return touch(ctx, hasty(config), number(rest, 0), number(rest, 1))
	case "clean":
		return clean(ctx, hasty(config))
	default:
		return fmt.Errorf("unknown command %q", command)
	}
}

// number is the argument at a place; 0 where there is none.
func number(arguments []string, place int) int {
	if place >= len(arguments) {
		return 0
	}
	count, _ := strconv.Atoi(arguments[place])
	return count
}

// hasty is a client that client-go does not hold back.
func hasty(config *rest.Config) *kubernetes.Clientset {
	config.QPS, config.Burst = 5000, 5000
	return kubernetes.NewForConfigOrDie(config)
}

// inform runs a shared informer until it has seen the updates; who measures it reads its lines and looks from outside.
// Since v0.33 client-go asks for protobuf unless it is told otherwise.
func inform(ctx context.Context, config *rest.Config, updates int, asJSON bool) error {
	if asJSON {
		config.ContentType = "application/json"
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(config), 0)
	pods := factory.Core().V1().Pods().Informer()
	var seen atomic.Int64
	followed := make(chan struct{})
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(any, any) {
		if seen.Add(1) == int64(updates) {
			close(followed)
		}
	}})
	if err != nil {
		return err
	}
	fmt.Println("began")
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.HasSynced) {
		return fmt.Errorf("the pods were not listed")
	}
	fmt.Println("listed")
	<-followed
	fmt.Println("followed")
	_, err = io.ReadAll(os.Stdin) // until it has been looked at
	return err
}
