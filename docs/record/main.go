// Command record runs a program in a terminal and writes what was to be seen there as an animated SVG. The pictures of
// the README are made with it, from real runs: make docs/demo.svg. It needs tmux, which is the terminal.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

const (
	columns = 100
	rows    = 36

	lookEvery   = 80 * time.Millisecond
	recordMax   = 2 * time.Minute
	tmuxCommand = "set -g status off\nset -g remain-on-exit on\nset -g remain-on-exit-format ''\nset -g default-terminal tmux-256color\nset -g escape-time 0\n"
)

func main() {
	out := flag.String("out", "", "the SVG `FILE` to write")
	title := flag.String("title", "", "the `COMMAND` shown at the prompt, instead of the one that is run")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: record -out FILE [-title COMMAND] PROGRAM [ARGUMENT…]")
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := record(ctx, *out, *title, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "record: "+err.Error())
		os.Exit(1)
	}
}

func record(ctx context.Context, out, title string, args []string) error {
	program, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	if title == "" {
		title = strings.Join(args, " ")
	}
	t, err := openTerminal(ctx, title, append([]string{program}, args[1:]...))
	if err != nil {
		return err
	}
	frames, err := t.watch(ctx)
	if err := errors.Join(err, t.close()); err != nil {
		return err
	}
	return os.WriteFile(out, []byte(draw(frames)), 0o644)
}

// frame is what the terminal showed from a time on.
type frame struct {
	at   time.Duration // since the beginning
	text string        // with control sequences for colours, as tmux captures it
}

// terminal is a tmux server of its own with one window.
type terminal struct {
	dir    string
	socket string
}

func openTerminal(ctx context.Context, title string, args []string) (*terminal, error) {
	dir, err := os.MkdirTemp("", "record-")
	if err != nil {
		return nil, err
	}
	t := &terminal{dir: dir, socket: filepath.Join(dir, "tmux")}
	config := filepath.Join(dir, "tmux.conf")
	if err := os.WriteFile(config, []byte(tmuxCommand), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// The prompt is shown as somebody would have typed it.
	shell := []string{"sh", "-c", `printf '\033[1m$ %s\033[0m\n' "$1"; status=$2; shift 2; "$@"; echo $? >"$status"`, "sh", title, t.status()}
	_, err = t.tmux(ctx, append([]string{
		"-f", config, "new-session", "-d", "-s", "record", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), "--",
	}, append(shell, args...)...)...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return t, nil
}

// status is the file that gets the exit code of the program: tmux 3.3 does not tell it reliably.
func (t *terminal) status() string { return filepath.Join(t.dir, "status") }

func (t *terminal) tmux(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "tmux", append([]string{"-S", t.socket}, args...)...)
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "CI", "NO_COLOR", "TMUX", "LANG", "GITHUB_ACTIONS":
		default:
			if !strings.HasPrefix(name, "LC_") && !strings.HasPrefix(name, "OPSCTL_") {
				command.Env = append(command.Env, pair)
			}
		}
	}
	command.Env = append(command.Env, "LC_ALL=C.UTF-8")
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// watch looks at the terminal until the program in it has ended; it must end well.
func (t *terminal) watch(ctx context.Context) ([]frame, error) {
	ctx, cancel := context.WithTimeout(ctx, recordMax)
	defer cancel()
	began := time.Now()
	var frames []frame
	for {
		dead, err := t.tmux(ctx, "display-message", "-p", "-t", "record", "#{pane_dead}")
		if err != nil {
			return nil, err
		}
		text, err := t.tmux(ctx, "capture-pane", "-e", "-p", "-t", "record")
		if err != nil {
			return nil, err
		}
		if len(frames) == 0 || frames[len(frames)-1].text != text {
			frames = append(frames, frame{at: time.Since(began), text: text})
		}
		if strings.TrimSpace(dead) == "1" {
			return frames, t.ended()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// ended tells how the program ended.
func (t *terminal) ended() error {
	code, err := os.ReadFile(t.status())
	if err != nil {
		return fmt.Errorf("the program ended too early: %w", err)
	}
	if text := strings.TrimSpace(string(code)); text != "0" {
		return fmt.Errorf("the program ended with exit code %s", text)
	}
	return nil
}

func (t *terminal) close() error {
	_, err := t.tmux(context.Background(), "kill-server")
	return errors.Join(err, os.RemoveAll(t.dir))
}
