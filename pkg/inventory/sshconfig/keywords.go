package sshconfig

import (
	"errors"
	"fmt"
	"strconv"
)

// kind says what values a keyword takes.
type kind int

const (
	freely  kind = iota // any number of words
	word                // one word
	flag                // yes or no
	number              // 0 or more
	lapse               // a time
	command             // the rest of the line, for a shell
	choice              // one of choices
)

// keywords are those of ssh_config(5) from OpenSSH 8.7 to 10.2, with those that Debian, Red Hat and
// Apple add, and those that ssh passes over with a warning because they are gone. What only a
// later ssh knows is refused, as an older ssh refuses it; IgnoreUnknown is for that.
var keywords = map[string]kind{
	"host": freely, "match": freely, "include": freely,

	"addressfamily": choice, "batchmode": flag, "bindaddress": word, "bindinterface": word,
	"canonicaldomains": freely, "canonicalizefallbacklocal": flag, "canonicalizehostname": choice,
	"canonicalizemaxdots": number, "canonicalizepermittedcnames": freely, "casignaturealgorithms": word,
	"certificatefile": word, "checkhostip": flag, "ciphers": word, "connectionattempts": number, "connecttimeout": lapse,
	"globalknownhostsfile": freely, "hashknownhosts": flag, "hostkeyalgorithms": word, "hostkeyalias": word,
	"hostname": word, "identitiesonly": flag, "identityagent": word, "identityfile": word, "ignoreunknown": word,
	"kexalgorithms": word, "knownhostscommand": command, "macs": word, "port": word, "preferredauthentications": word,
	"proxycommand": command, "proxyjump": freely, "proxyusefdpass": flag, "pubkeyacceptedalgorithms": word,
	"pubkeyauthentication": choice, "revokedhostkeys": word, "serveralivecountmax": number, "serveraliveinterval": lapse,
	"stricthostkeychecking": choice, "tag": word, "user": word, "userknownhostsfile": freely,

	"addkeystoagent": freely, "channeltimeout": freely, "clearallforwardings": flag, "compression": choice,
	"controlmaster": choice, "controlpath": word, "controlpersist": word, "dynamicforward": freely,
	"enableescapecommandline": flag, "enablesshkeysign": flag, "escapechar": word, "exitonforwardfailure": flag,
	"fingerprinthash": choice, "forkafterauthentication": flag, "forwardagent": word, "forwardx11": flag,
	"forwardx11timeout": lapse, "forwardx11trusted": flag, "gatewayports": flag,
	"hostbasedacceptedalgorithms": word, "hostbasedauthentication": flag, "ipqos": freely,
	"kbdinteractiveauthentication": flag, "kbdinteractivedevices": word, "localcommand": command, "localforward": freely,
	"loglevel": choice, "logverbose": freely, "nohostauthenticationforlocalhost": flag, "numberofpasswordprompts": number,
	"obscurekeystroketiming": word, "passwordauthentication": flag, "permitlocalcommand": flag, "permitremoteopen": freely,
	"pkcs11provider": word, "refuseconnection": word, "rekeylimit": freely, "remotecommand": command, "remoteforward": freely,
	"requesttty": choice, "requiredrsasize": number, "securitykeyprovider": word, "sendenv": freely, "sessiontype": choice,
	"setenv": freely, "stdinnull": flag, "streamlocalbindmask": word, "streamlocalbindunlink": flag, "syslogfacility": word,
	"tcpkeepalive": flag, "tunnel": choice, "tunneldevice": word, "updatehostkeys": choice, "verifyhostkeydns": choice,
	"versionaddendum": freely, "visualhostkey": flag, "warnweakcrypto": word, "xauthlocation": word,

	"gssapiauthentication": flag, "gssapidelegatecredentials": flag, "gssapikeyexchange": flag, "gssapitrustdns": flag,
	"gssapirenewalforcesrekey": flag, "gssapiclientidentity": word, "gssapiserveridentity": word, "gssapikexalgorithms": word,
	"gssapistorecredentialsonrekey": flag, "usekeychain": flag, "useblacklistedkeys": flag,

	"afstokenpassing": freely, "cipher": freely, "compressionlevel": freely, "fallbacktorsh": freely,
	"globalknownhostsfile2": freely, "kerberosauthentication": freely, "kerberostgtpassing": freely, "protocol": freely,
	"rhostsauthentication": freely, "rhostsrsaauthentication": freely, "rsaauthentication": freely, "setuptimeout": freely,
	"useprivilegedport": freely, "userknownhostsfile2": freely, "useroaming": freely, "usersh": freely,
}

// aliases are other names of keywords.
var aliases = map[string]string{
	"identityfile2": "identityfile", "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "keepalive": "tcpkeepalive",
	"hostbasedkeytypes": "hostbasedacceptedalgorithms", "dsaauthentication": "pubkeyauthentication",
	"challengeresponseauthentication": "kbdinteractiveauthentication", "skeyauthentication": "kbdinteractiveauthentication",
	"tisauthentication": "kbdinteractiveauthentication", "protocolkeepalives": "serveraliveinterval",
	"rsaminsize": "requiredrsasize", "smartcarddevice": "pkcs11provider",
}

// choices are the words of keywords that take one of a few, as "word=meaning".
var choices = map[string][]string{
	"addressfamily":         {"any=any", "inet=inet", "inet6=inet6"},
	"canonicalizehostname":  {"yes=yes", "no=no", "true=yes", "false=no", "always=always"},
	"compression":           {"yes=yes", "no=no"},
	"controlmaster":         {"yes=yes", "no=no", "true=yes", "false=no", "ask=ask", "auto=auto", "autoask=autoask"},
	"fingerprinthash":       {"md5=md5", "sha256=sha256", "sha1=sha1", "sha384=sha384", "sha512=sha512"},
	"pubkeyauthentication":  {"yes=yes", "no=no", "true=yes", "false=no", "unbound=yes", "host-bound=yes"},
	"requesttty":            {"yes=yes", "no=no", "true=yes", "false=no", "force=force", "auto=auto"},
	"sessiontype":           {"none=none", "subsystem=subsystem", "default=default"},
	"stricthostkeychecking": {"yes=yes", "true=yes", "no=no", "false=no", "off=no", "ask=ask", "accept-new=accept-new"},
	"tunnel":                {"yes=yes", "no=no", "true=yes", "false=no", "point-to-point=point-to-point", "ethernet=ethernet"},
	"updatehostkeys":        {"yes=yes", "no=no", "true=yes", "false=no", "ask=ask"},
	"verifyhostkeydns":      {"yes=yes", "no=no", "true=yes", "false=no", "ask=ask"},
	"loglevel": {
		"quiet=quiet", "fatal=fatal", "error=error", "info=info", "verbose=verbose", "debug=debug",
		"debug1=debug1", "debug2=debug2", "debug3=debug3",
	},
}

// checkKind refuses a value that is none of its kind.
func checkKind(d *directive) error {
	value := d.args[0]
	k := keywords[d.key]
	if k != freely && k != command && len(d.args) > 1 {
		return fmt.Errorf("cannot take %q: only one value is allowed here", d.args[1])
	}
	var err error
	switch k {
	case flag:
		_, err = parseBool(value)
	case number:
		if n, bad := strconv.Atoi(value); bad != nil || n < 0 {
			err = fmt.Errorf("cannot read %q as a count", value)
		}
	case lapse:
		if value != "none" {
			_, err = parseTime(value)
		}
	case choice:
		_, err = oneOf(value, choices[d.key]...)
	default:
		if value == "" {
			err = errors.New("the value is empty")
		}
	}
	return err
}
