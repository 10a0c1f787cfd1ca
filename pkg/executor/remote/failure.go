package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
)

// The classes of HostError that this package tells.
const (
	classDNS        = "dns"
	classRefused    = "refused"
	classTimeout    = "timeout"
	classHostKey    = "host-key"
	classAuth       = "auth"
	classLink       = "link"
	classBanner     = "banner" // what answers is not an SSH server
	classForwarding = "forwarding"
)

var (
	errLate    = errors.New("the handshake took too long")
	errClosed  = errors.New("the connection was closed from this side")
	errBroken  = errors.New("the connection broke")
	errStuck   = errors.New("the connection is gone, and with it the answer to a request")
	errDropped = errors.New("the connection was dropped before an SSH banner")
	// sshd from 9.8 on keeps addresses away for a while that failed to log in, or that hung up too often.
	errPenalised = errors.New("the host refuses this address for a while")
)

// dialFailed says why no TCP connection came to be.
func dialFailed(s *Settings, limit time.Duration, err error) error {
	e := &executor.HostError{Class: classLink, Hop: s.hop()}
	var dns *net.DNSError
	why := rootError(err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &dns):
		e.Class, why = classDNS, fmt.Sprintf("cannot find the address of %s: %s", s.Addr, dns.Err)
		e.Hint = "check the name in the inventory, and the resolver"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Class, why = classRefused, "connection refused"
		e.Hint = fmt.Sprintf("check that sshd listens on port %d", s.port())
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Class = classRefused
		e.Hint = "check the address and the route to it"
	case isTimeout(err):
		e.Class, why = classTimeout, fmt.Sprintf("no answer in %v", limit)
		e.Hint = "check that the host is up, and that no firewall drops the connection"
	}
	e.Message = fmt.Sprintf("cannot connect to %s: %s", s.label(), why)
	return e
}

// isTimeout knows a deadline in all its forms.
func isTimeout(err error) bool {
	var timed interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &timed) && timed.Timeout()
}

// rootError leaves out the addresses, which the message has already.
func rootError(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// handshakeFailed says why a connection did not become an SSH connection we are logged in on.
// errDropped is what may be tried again.
func (h *handshake) failed(err error) error {
	version, first := h.wire.intro.said()
	verified, keyErr := h.verdict.get()
	closed := h.wire.why()
	var none *ssh.AlgorithmNegotiationError
	switch {
	case keyErr != nil:
		return keyErr
	case errors.Is(closed, errLate):
		return h.late(version, first)
	case closed != nil:
		return closed
	case version == "" && h.proxySaid() != nil:
		return h.proxySaid()
	case version == "" && len(first) == 0 && isHangUp(err):
		return errDropped
	case version == "":
		return h.noBanner(string(first))
	case errors.As(err, &none):
		return h.error(classLink, fmt.Sprintf("nothing is common to both sides: %v", rootOf(err)),
			"allow one more in ssh_config, if it must be: Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms")
	case errors.Is(err, errTalkative):
		return h.error(classBanner, errTalkative.Error(), "")
	case strings.Contains(err.Error(), "ssh: disconnect") && !strings.Contains(err.Error(), tooManyKeys):
		return h.error(classLink, "the host ended the connection: "+excerpt(rootOf(err).Error()), "")
	case verified && !isHangUp(err):
		return authFailed(h.settings, h.offer, h.allowed, rootOf(err))
	case isHangUp(err):
		return h.error(classLink, "the connection was lost during the handshake", "see the log of sshd on the host")
	default:
		return h.error(classLink, excerpt(rootOf(err).Error()), "")
	}
}

// proxySaid is the failure of a ProxyCommand that ended before the host said anything.
func (h *handshake) proxySaid() error {
	p, ok := h.wire.Conn.(*proxyConn)
	if !ok {
		return nil
	}
	_ = p.Close() // then all that it said is there
	why := "its ProxyCommand ended"
	if said := excerpt(p.said.String()); said != "" {
		why = fmt.Sprintf("its ProxyCommand said %q", said)
	}
	return h.error(classLink, why, "run the ProxyCommand by hand")
}

func (h *handshake) late(version string, first []byte) error {
	limit := h.clock.limit
	if silent := h.settings.ConnectTimeout; version == "" && len(first) == 0 && silent > 0 {
		limit = min(limit, silent)
	}
	switch {
	case version != "":
		return h.error(classTimeout, fmt.Sprintf("the SSH handshake did not end in %v", limit), "see the load and the log of sshd on the host")
	case len(first) > 0:
		return h.noBanner(string(first))
	default:
		return h.error(classTimeout, fmt.Sprintf("it took the connection but sent no SSH banner in %v", limit),
			fmt.Sprintf("check that sshd, and not something else, listens on port %d", h.settings.port()))
	}
}

// noBanner tells what came in place of an SSH banner. Two of sshd's refusals come as plain text.
func (h *handshake) noBanner(first string) error {
	switch {
	case strings.HasPrefix(first, "Exceeded MaxStartups"):
		return errDropped
	case strings.HasPrefix(first, "Not allowed at this time"):
		return errPenalised
	case first == "" || strings.HasPrefix(first, "SSH-"):
		return h.error(classBanner, "its SSH banner broke off: "+excerpt(first), "")
	default:
		return h.error(classBanner, fmt.Sprintf("this is not an SSH server, it said %q", excerpt(first)),
			fmt.Sprintf("check the port: %d", h.settings.port()))
	}
}

func (h *handshake) error(class, why, hint string) error {
	return &executor.HostError{
		Class: class, Hop: h.settings.hop(), Hint: hint,
		Message: fmt.Sprintf("cannot connect to %s: %s", h.settings.label(), why),
	}
}

func droppedFor(s *Settings, tries int) error {
	return &executor.HostError{
		Class: classLink, Hop: s.hop(),
		Message: fmt.Sprintf("cannot connect to %s: it dropped the connection before its SSH banner, %d times", s.label(), tries),
		Hint:    "raise MaxStartups in its sshd_config, or look there for what turns this address away",
	}
}

func penalisedFor(s *Settings, tries int) error {
	return &executor.HostError{
		Class: classRefused, Hop: s.hop(),
		Message: fmt.Sprintf("cannot connect to %s: the host refuses this address for a while, after failed logins; asked %d times", s.label(), tries),
		Hint:    "wait for the penalty to end (PerSourcePenalties in its sshd_config), and mend the cause first",
	}
}

func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, os.ErrClosed)
}
