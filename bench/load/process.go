package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tickUs is the length of a clock tick of /proc/PID/stat: USER_HZ is 100 on every Linux that Go runs on.
const tickUs = 10_000

// processUsage is what a process and its descendants have used so far.
type processUsage struct {
	cpuUs   int64
	rssKb   int64
	threads map[int]threadUsage // of the process itself, by thread id
}

type threadUsage struct {
	name  string
	ranUs int64
}

// readUsage adds up user and system time (all threads, and children that were waited for) and resident memory
// of a process and its living descendants.
func readUsage(root int) (processUsage, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return processUsage{}, err
	}
	parents := map[int]int{}
	cpuUs := map[int]int64{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		// The name in parentheses may hold spaces; field 3 follows the last parenthesis.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
		for _, field := range fields[11:15] { // utime stime cutime cstime
			ticks, _ := strconv.ParseInt(field, 10, 64)
			cpuUs[pid] += ticks * tickUs
		}
	}
	if _, lives := parents[root]; !lives {
		return processUsage{}, fmt.Errorf("process %d is gone", root)
	}
	sum := processUsage{threads: readThreads(root)}
	for pid := range parents {
		if pid == root || descends(pid, root, parents) {
			sum.cpuUs += cpuUs[pid]
			sum.rssKb += rssKb(pid)
		}
	}
	return sum, nil
}

// readThreads reads how long each thread of a process has run. A kernel without these figures has no threads here.
func readThreads(pid int) map[int]threadUsage {
	threads := map[int]threadUsage{}
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	if err != nil {
		return threads
	}
	for _, path := range paths {
		name, nameError := os.ReadFile(path + "/comm")
		text, err := os.ReadFile(path + "/schedstat")
		fields := strings.Fields(string(text)) // nanoseconds on a core, nanoseconds in the queue, turns
		if err != nil || nameError != nil || len(fields) == 0 {
			continue // it ended meanwhile
		}
		id, _ := strconv.Atoi(filepath.Base(path))
		ran, _ := strconv.ParseInt(fields[0], 10, 64)
		// Threads of one kind are numbered.
		kind := strings.TrimRight(strings.TrimSpace(string(name)), " 0123456789")
		threads[id] = threadUsage{name: kind, ranUs: ran / 1000}
	}
	return threads
}

// threadsSince is what ran between two readings. A thread that ended between them is left out.
func threadsSince(before, after map[int]threadUsage) map[string]int64 {
	ran := map[string]int64{}
	for id, thread := range after {
		ran[thread.name] += thread.ranUs - before[id].ranUs
	}
	return ran
}

func descends(pid, root int, parents map[int]int) bool {
	for parent := parents[pid]; parent > 1; parent = parents[parent] {
		if parent == root {
			return true
		}
	}
	return false
}

func rssKb(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it ended meanwhile
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	line, _, _ := strings.Cut(after, "kB")
	kb, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kb
}

func rssCommand(arguments []string) error {
	if len(arguments) != 1 {
		usage()
	}
	pid, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	used, err := readUsage(pid)
	if err != nil {
		return err
	}
	_, err = fmt.Println(used.rssKb)
	return err
}
