// Command load is both ends of the benchmark: a fast provider (`load upstream`) and a client (`load run`).
// `load pause` is a client of large requests that watches for how long the target does nothing else.
// `load rss PID` prints the resident memory of a process and its descendants, in kB.
// Both speak HTTP/1.1 on raw sockets, so that they cost less than what is measured between them.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	var err error
	switch os.Args[1] {
	case "upstream":
		err = upstreamCommand(os.Args[2:])
	case "run":
		err = runCommand(os.Args[2:])
	case "pause":
		err = pauseCommand(os.Args[2:])
	case "rss":
		err = rssCommand(os.Args[2:])
	default:
		usage()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: load upstream -port N | load run -address HOST:PORT -kind json|burst|ticks|body|history [flags] | load pause -address HOST:PORT [flags] | load rss PID")
	os.Exit(2)
}
