package lint

import "strings"

// words are the words of a text, for the tables here.
func words(text string) []string { return strings.Fields(text) }

// writers change something, whatever their arguments.
var writers = words(`rm mv cp mkdir rmdir touch ln chmod chown chgrp truncate dd shred unlink install rsync scp mknod mkfifo
	kill pkill killall reboot shutdown poweroff halt useradd usermod userdel groupadd groupmod groupdel passwd chpasswd
	mkfs mkswap swapon swapoff umount modprobe rmmod insmod unzip patch ldconfig update-grub setfacl setcap fallocate`)

// writingWords change something when one of these words is their first argument that is no option.
var writingWords = map[string][]string{
	"systemctl":   words("start stop restart reload try-restart reload-or-restart enable disable mask unmask daemon-reload kill isolate edit set-property reset-failed"),
	"service":     words("start stop restart reload"), // its second argument, see wordsAfter
	"apt":         words("install remove purge upgrade full-upgrade update autoremove"),
	"apt-get":     words("install remove purge upgrade dist-upgrade update autoremove clean"),
	"yum":         words("install remove erase update upgrade downgrade reinstall clean"),
	"dnf":         words("install remove erase update upgrade downgrade reinstall clean"),
	"zypper":      words("install in remove rm update up dup"),
	"apk":         words("add del upgrade update"),
	"snap":        words("install remove refresh"),
	"pip":         words("install uninstall"),
	"pip3":        words("install uninstall"),
	"npm":         words("install ci uninstall update"),
	"git":         words("commit push pull checkout switch merge reset clean clone fetch rebase apply am init add rm mv restore stash tag"),
	"docker":      words("run rm rmi stop start restart kill pull push build create prune tag load"),
	"podman":      words("run rm rmi stop start restart kill pull push build create prune tag load"),
	"kubectl":     words("apply delete create patch scale drain cordon uncordon edit replace label annotate set expose"),
	"helm":        words("install upgrade uninstall rollback"),
	"crontab":     words("-r -e -"),
	"firewall":    words("add remove"),
	"hostnamectl": words("set-hostname hostname"),
	"timedatectl": words("set-time set-timezone set-ntp"),
}

// writingOptions change something when one of these options is given; a letter stands for itself in a group too.
var writingOptions = map[string][]string{
	"sed": {"-i", "--in-place"}, "perl": {"-i"}, "find": {"-delete"}, "sysctl": {"-w", "--write", "-p"},
	"tar":      {"-x", "-c", "-r", "-u", "--extract", "--create"},
	"iptables": {"-A", "-D", "-I", "-F", "-P", "-R"}, "dpkg": {"-i", "-r", "-P", "--install", "--remove", "--purge", "--configure"},
	"rpm":  {"-i", "-U", "-F", "-e", "--install", "--upgrade", "--erase"},
	"curl": {"-o", "-O", "-d", "-T", "-F", "--output", "--remote-name", "--data", "--upload-file", "--form"}, "date": {"-s", "--set"},
	"sort": {"-o"}, "crontab": {"-r"}, "ssh-keygen": {"-f"},
}

// harmless are files that take what is written without keeping it.
var harmless = []string{"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/full"}

// readers only look, whatever their arguments, unless writes says otherwise.
var readers = words(`cat ls stat grep egrep fgrep head tail wc df du free uptime uname hostname id whoami who w date ps ss netstat lsof
	journalctl dig host nslookup ping cut sort uniq tr awk sed jq yq readlink realpath find getent pgrep env printenv sha256sum sha1sum
	md5sum cksum diff cmp lsblk lscpu lspci blkid findmnt dmesg last vmstat iostat sar nproc arch file strings od xxd tree curl dpkg rpm`)

// neutral do nothing by themselves.
var neutral = words(`echo printf true false : test [ exit return set cd pwd sleep read local shift command type which basename dirname seq expr export unset wait`)

var readingWords = map[string][]string{
	"systemctl": words("status is-active is-enabled is-failed show cat list-units list-unit-files list-timers list-sockets get-default"),
	"docker":    words("ps inspect logs images info version stats top port"), "podman": words("ps inspect logs images info version"),
	"kubectl": words("get describe logs top version explain"), "git": words("status log rev-parse diff describe show ls-files"),
	"apt": words("list policy show search"), "apt-cache": words("policy show search"), "nginx": {"-t", "-T", "-v"},
	"ip": words("addr a route r link"), "helm": words("list status get"), "crontab": {"-l"},
}

