package remote

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck makes the kernel acknowledge at once what was just read. Linux forgets the wish by
// itself, so it is repeated after each read. It ends a stall of 40 ms at the opening of the first
// channel, where sshd still waits for acknowledgements (Nagle) and we delay them.
func quickAck(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
	if err != nil {
		return err
	}
	return set
}
