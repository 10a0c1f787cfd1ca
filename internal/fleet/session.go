package fleet

import (
	"io"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/crypto/ssh"
)

// session is one session channel and the command that runs in it.
type session struct {
	host    *Host
	channel ssh.Channel
	ended   sync.WaitGroup // the command and its streams

	// Written by serve alone, when the command is started.
	leader         *leader
	stdin          *os.File // our ends of the command's pipes
	stdout, stderr *outflow
}

// serve answers the requests on the channel until the channel is closed, by
// either side or with the connection. The command is not killed then: its input
// ends, and writing its output fails.
func (s *session) serve(requests <-chan *ssh.Request) {
	for r := range requests {
		reply(r, s.answer(r))
		if s.leader != nil && (r.Type == "exec" || r.Type == "shell") {
			// After the reply, so that nothing the command does comes before it.
			s.flow()
		}
	}
	if s.leader == nil {
		_ = s.channel.Close() // closed already, most likely
		return
	}
	closeQuietly(s.stdin)
	closeQuietly(s.stdout.from)
	closeQuietly(s.stderr.from)
}

// wait returns when the command has ended.
func (s *session) wait() {
	s.ended.Wait()
}

func (s *session) answer(r *ssh.Request) bool {
	switch r.Type {
	case "exec":
		var m struct{ Command string }
		if ssh.Unmarshal(r.Payload, &m) != nil || s.leader != nil {
			return false
		}
		s.host.remember(m.Command)
		return s.start("-c", m.Command) == nil
	case "shell":
		return s.leader == nil && s.start() == nil
	case "signal":
		var m struct{ Signal string }
		if ssh.Unmarshal(r.Payload, &m) != nil || s.leader == nil {
			return false
		}
		return s.leader.signal(m.Signal)
	default:
		// env, pty-req, subsystem and what else there is.
		return false
	}
}

// start runs the shell with these arguments. Its streams move with flow.
func (s *session) start(args ...string) error {
	pipes, err := newPipes()
	if err != nil {
		return err
	}
	command := exec.Command(shell, args...)
	command.Dir = s.host.Dir
	command.Env = s.host.environment()
	command.Stdin, command.Stdout, command.Stderr = pipes.stdin[0], pipes.stdout[1], pipes.stderr[1]
	leader, err := s.host.fleet.processes.start(command)
	pipes.closeTheirs()
	if err != nil {
		pipes.closeOurs()
		return err
	}
	s.leader = leader
	s.stdin = pipes.stdin[1]
	s.stdout = newOutflow(pipes.stdout[0], s.channel)
	s.stderr = newOutflow(pipes.stderr[0], s.channel.Stderr())
	return nil
}

// flow moves the streams and looks after the command from here on. It does so
// once: a second exec is refused, and must not come here again.
func (s *session) flow() {
	if s.stdout.started {
		return
	}
	s.stdout.started = true
	noise := s.host.misbehaviour.Load().Noise
	s.ended.Go(s.feed)
	s.ended.Go(func() { s.stdout.run(noise) })
	s.ended.Go(func() { s.stderr.run("") })
	s.ended.Go(s.supervise)
}

// feed gives the command what the client sends.
func (s *session) feed() {
	_, err := io.CopyBuffer(s.stdin, s.channel, make([]byte, copySize))
	closeQuietly(s.stdin)
	if err != nil {
		// The command reads no more, but the client may go on sending.
		_, _ = io.Copy(io.Discard, s.channel)
	}
}

// supervise waits for the command, tells how it ended, and closes the channel
// when its output has ended too.
func (s *session) supervise() {
	request, status := s.leader.wait()
	closeQuietly(s.stdin)
	s.stdout.drain()
	s.stderr.drain()
	// Each of these fails only when the channel is gone, and with it the reader.
	_, _ = s.channel.SendRequest(request, false, status)
	<-s.stdout.ended
	<-s.stderr.ended
	_ = s.channel.CloseWrite()
	_ = s.channel.Close()
}

// environment is what sshd gives a command, and no more: its variables, the
// marker of the fleet, and those that Options.Env adds.
func (h *Host) environment() []string {
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	env := []string{
		"PATH=" + path,
		"HOME=" + h.Dir,
		"USER=" + h.fleet.User,
		"LOGNAME=" + h.fleet.User,
		"SHELL=" + shell,
		"TMPDIR=" + h.Dir + "/tmp",
	}
	if h.fleet.env != nil {
		env = append(env, h.fleet.env(h)...)
	}
	return append(env, h.fleet.processes.marker)
}

// closeQuietly closes an end of a pipe, of which nothing can be lost any more.
// It may be closed already.
func closeQuietly(f *os.File) {
	_ = f.Close()
}
