package lint

import "strings"

// listed gives the words of a text, for the tables here.
func listed(text string) []string { return strings.Fields(text) }

// writers change something, whatever their arguments.
var writers = listed(`rm mv cp mkdir rmdir touch ln chmod chown chgrp truncate dd shred unlink install rsync scp mknod mkfifo
	kill pkill killall reboot shutdown poweroff halt useradd usermod userdel groupadd groupmod groupdel passwd chpasswd
	mkfs mkswap swapon swapoff umount modprobe rmmod insmod unzip patch ldconfig update-grub setfacl setcap fallocate`)

// writingWords change something when one of these words is their first argument that is no option.
var writingWords = map[string][]string{
	"systemctl":   listed("start stop restart reload try-restart reload-or-restart enable disable mask unmask daemon-reload kill isolate edit set-property reset-failed"),
	"service":     listed("start stop restart reload"), // its second argument
	"apt":         listed("install remove purge upgrade full-upgrade update autoremove"),
	"apt-get":     listed("install remove purge upgrade dist-upgrade update autoremove clean"),
	"yum":         listed("install remove erase update upgrade downgrade reinstall clean"),
	"dnf":         listed("install remove erase update upgrade downgrade reinstall clean"),
	"zypper":      listed("install in remove rm update up dup"),
	"apk":         listed("add del upgrade update"),
	"snap":        listed("install remove refresh"),
	"pip":         listed("install uninstall"),
	"pip3":        listed("install uninstall"),
	"npm":         listed("install ci uninstall update"),
	"git":         listed("commit push pull checkout switch merge reset clean clone fetch rebase apply am init add rm mv restore"),
	"docker":      listed("run rm rmi stop start restart kill pull push build create prune tag load"),
	"podman":      listed("run rm rmi stop start restart kill pull push build create prune tag load"),
	"kubectl":     listed("apply delete create patch scale drain cordon uncordon edit replace label annotate set expose"),
	"helm":        listed("install upgrade uninstall rollback"),
	"crontab":     listed("-r -e -"),
	"hostnamectl": listed("set-hostname"),
	"timedatectl": listed("set-time set-timezone set-ntp"),
}

// writingOptions change something when one of these options is given; a letter stands for itself in a group too.
var writingOptions = map[string][]string{
	"sed": {"-i", "--in-place"}, "perl": {"-i"}, "find": {"-delete"}, "sysctl": {"-w", "--write", "-p"},
	"tar":      {"-x", "-c", "-r", "-u", "--extract", "--create"},
	"iptables": {"-A", "-D", "-I", "-F", "-P", "-R"}, "dpkg": {"-i", "-r", "-P", "--install", "--remove", "--purge", "--configure"},
	"rpm":  {"-i", "-U", "-F", "-e", "--install", "--upgrade", "--erase"},
	"curl": {"-o", "-O", "-d", "-T", "-F", "--output", "--remote-name", "--data", "--upload-file", "--form"}, "date": {"--set"},
	"sort": {"-o"}, "crontab": {"-r"},
}

// asking are options with which a command only looks, whatever else it is given.
var asking = map[string][]string{
	"rpm": {"-q", "-V", "--query", "--verify"}, "tar": {"-t", "--list"}, "dpkg": {"--dry-run", "-l", "-s", "-L", "-S"}, "kill": {"-0", "-l"},
	"unzip": {"-l", "-t", "-p", "-Z"}, "passwd": {"-S", "--status"}, "rsync": {"-n", "--dry-run"}, "ldconfig": {"-p"}, "patch": {"--dry-run"},
	"systemctl": {"--dry-run"}, "apt-get": {"-s", "--simulate", "--dry-run"}, "apt": {"-s", "--simulate"}, "git": {"--dry-run"}, "kubectl": {"--dry-run"},
}

// harmless are files that take what is written without keeping it.
var harmless = []string{"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/full"}

// readers only look, whatever their arguments, unless writes says otherwise.
var readers = listed(`cat ls stat grep egrep fgrep head tail wc df du free uptime uname hostname id whoami who w date ps ss netstat lsof
	journalctl dig host nslookup ping cut sort uniq tr awk sed jq yq readlink realpath find getent pgrep env printenv sha256sum sha1sum
	md5sum cksum diff cmp lsblk lscpu lspci blkid findmnt dmesg last vmstat iostat sar nproc arch file strings od xxd tree curl dpkg rpm`)

// neutral do nothing by themselves.
var neutral = listed(`echo printf true false : test [ exit return set cd pwd sleep read local shift command type which basename dirname seq expr export unset wait`)

var readingWords = map[string][]string{
	"systemctl": listed("status is-active is-enabled is-failed show cat list-units list-unit-files list-timers list-sockets get-default"),
	"docker":    listed("ps inspect logs images info version stats top port"), "podman": listed("ps inspect logs images info version"),
	"kubectl": listed("get describe logs top version explain"), "git": listed("status log rev-parse diff describe show ls-files"),
	"apt": listed("list policy show search"), "apt-cache": listed("policy show search"), "nginx": {"-t", "-T", "-v"},
	"ip": listed("addr a route r link"), "helm": listed("list status get"), "crontab": {"-l"},
}
