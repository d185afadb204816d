package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary stand in for the program: scripts run it as
// noised, and servers that tests start run it as their worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "worker" {
		os.Exit(mainExit())
	}
	testscript.Main(m, map[string]func(){
		"noised": func() { os.Exit(mainExit()) },
	})
}

// TestScripts runs the scripts in testdata/script, which specify the command
// line. Beside testscript's commands they have:
//
//	server DIR    starts noised serve on DIR and sets NOISED_URL; it ends with the script
//	readkey NAME  keeps the key that the last command printed as $NAME
//	id NAME FILE  keeps the first id in a JSON document as $NAME
//	until TEXT COMMAND…  runs a command until it prints a text; time alone makes it
//	as NAME       makes $NAME the key of what follows
func TestScripts(t *testing.T) {
	sample, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SAMPLE", sample+"/../../testdata")
			e.Setenv("NOISED_URL", "")
			e.Setenv("NOISED_KEY", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": startServer,
			"as": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv("NOISED_KEY", ts.Getenv(args[0]))
			},
			"until": until,
			"readkey": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
			},
			"id": func(ts *testscript.TestScript, _ bool, args []string) {
				found := regexp.MustCompile(`"id": "([a-z]+_[0-9a-z]+)"`).FindStringSubmatch(ts.ReadFile(args[1]))
				if found == nil {
					ts.Fatalf("%s has no id", args[1])
				}
				ts.Setenv(args[0], found[1])
			},
		},
	})
}

// until repeats a command whose answer changes with time.
func until(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Minute); ; <-tick.C {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && strings.Contains(out, args[0]) {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("%v does not say %q: %s", args[1:], args[0], out)
		}
	}
}

// startServer runs noised serve as a process of its own until the script ends,
// and then demands that it ends in order.
func startServer(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("noised", append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data-dir"}, args...)...)
	path, err := lookPath(ts, "noised")
	ts.Check(err)
	cmd.Path, cmd.Err = path, nil
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "NOISED_URL=", "NOISED_KEY=")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			ts.Fatalf("the server did not end in order: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	fields := strings.Fields(line)
	ts.Setenv("NOISED_URL", fields[len(fields)-1])
}

// lookPath finds a command in the script's own PATH.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if info, err := os.Stat(dir + "/" + name); err == nil && !info.IsDir() {
			return dir + "/" + name, nil
		}
	}
	return "", fmt.Errorf("%s is not in PATH", name)
}
