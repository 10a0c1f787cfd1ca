package journal

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFault_11_NetworkFileSystem(t *testing.T) {
	for magic, want := range map[int64]string{unix.NFS_SUPER_MAGIC: "NFS", int64(uint32(unix.CIFS_SUPER_MAGIC)): "SMB", unix.EXT4_SUPER_MAGIC: "", unix.TMPFS_MAGIC: ""} {
		if got := networkName(magic); got != want {
			t.Errorf("%x: got %q, want %q", magic, got, want)
		}
	}
	s := Store{dir: "/home/ann/.local/state/opsctl", network: "NFS"}
	if !strings.Contains(s.Warning(), "network file system (NFS)") || open(t, stateDir(t)).Warning() != "" {
		t.Error("the warning is wrong")
	}
}
