#!/bin/bash
# Servers as they are found: RSA only, ETM MACs only, MaxStartups, few sessions, jump hosts, certificates, odd shells.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src; tree make "$SRC" --entries 300 --big 2000000 >/dev/null
try() { # try WHAT ARGS...
    local what=$1; shift
    rm -rf "$WORK/dst" 2>/dev/null || { tree clear-flags "$WORK/dst"; rm -rf "$WORK/dst"; }
    rehost "$@" copy "$SRC" "$T:$WORK/dst"; expect 0 "$what"; same "$what: identical" "$SRC" "$WORK/dst"; tree clear-flags "$WORK/dst"
}
PLAIN_PORT=$PORT
try "the plain server"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$WORK/ssh/rsa_host"; ssh-keygen -q -t rsa -b 2048 -N '' -f "$WORK/ssh/rsa_user"; cat "$WORK/ssh/rsa_user.pub" >>"$WORK/ssh/authorized_keys"
HOST_KEY=$WORK/ssh/rsa_host start_sshd 'HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256' 'PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-256'
SET=(--set "target.identity=$WORK/ssh/rsa_user" --set "target.known_hosts=$KNOWN")
try "RSA only, with SHA-2"
start_sshd 'Ciphers aes128-ctr,aes256-ctr' 'MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com'
try "ETM MACs only"
start_sshd 'Ciphers chacha20-poly1305@openssh.com'
try "chacha20-poly1305 only"
start_sshd 'Ciphers aes256-gcm@openssh.com'
try "AES-GCM only"
start_sshd 'KexAlgorithms sntrup761x25519-sha512@openssh.com'
try "a hybrid key exchange only"
start_sshd 'MaxStartups 2:100:2' 'LoginGraceTime 20'
try "MaxStartups 2 with 8 processes" --processes 8
start_sshd 'MaxSessions 1'
try "MaxSessions 1 with 4 processes" --processes 4
start_sshd 'RekeyLimit 1M'
try "RekeyLimit 1M"
start_sshd 'Compression yes' 'AllowTcpForwarding no' 'PermitTTY no'
try "no forwarding, no terminal"
start_sshd 'Banner '"$WORK/ssh/banner"; printf 'Welcome\nto a host\n' >"$WORK/ssh/banner"
try "a banner"
start_sshd "Subsystem sftp /bin/false" 'AcceptEnv NONE'
try "no sftp"
# A jump host: ProxyJump of ssh_config, reaching the last server through the first one.
start_sshd
cat >>"$HOME/.ssh/config" <<X
Host jump
  HostName 127.0.0.1
  Port $PLAIN_PORT
  User root
  IdentityFile $KEY
  UserKnownHostsFile $KNOWN
Host behind
  HostName 127.0.0.1
  Port $PORT
  User root
  IdentityFile $KEY
  UserKnownHostsFile $KNOWN
  ProxyJump jump
Host command
  HostName 127.0.0.1
  Port $PORT
  User root
  IdentityFile $KEY
  UserKnownHostsFile $KNOWN
  ProxyCommand ssh jump -W %h:%p
X
SET=()
for t in auto ssh; do for h in behind command; do T=$h try "$h, transport $t" --set target.transport=$t; done; done
# The agent instead of a key file.
eval "$(ssh-agent)" >/dev/null; ssh-add -q "$KEY"
SET=(--set "target.known_hosts=$KNOWN"); T=root@127.0.0.1:$PORT; mv "$HOME/.ssh/config" "$HOME/.ssh/away"
try "a key of the agent"; for t in ssh libssh2; do try "a key of the agent, $t" --set target.transport=$t; done
kill "$SSH_AGENT_PID"; unset SSH_AUTH_SOCK SSH_AGENT_PID; mv "$HOME/.ssh/away" "$HOME/.ssh/config"
# A host certificate: only ssh can.
ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/ca"; ssh-keygen -q -s "$WORK/ssh/ca" -I host -h -n 127.0.0.1 "$WORK/ssh/host_key.pub"
start_sshd "HostCertificate $WORK/ssh/host_key-cert.pub"
echo "@cert-authority [127.0.0.1]:$PORT $(cut -d' ' -f1,2 "$WORK/ssh/ca.pub")" >"$WORK/ssh/ca_hosts"
SET=(--set "target.identity=$KEY" --set "target.known_hosts=$WORK/ssh/ca_hosts")
try "a host certificate"
# A revoked host key is refused.
{ echo "@revoked [127.0.0.1]:$PORT $(cut -d' ' -f1,2 "$WORK/ssh/host_key.pub")"; printf '[127.0.0.1]:%s %s\n' "$PORT" "$(cut -d' ' -f1,2 "$WORK/ssh/host_key.pub")"; } >"$WORK/ssh/revoked"
rm "$WORK/ssh/host_key-cert.pub"; start_sshd
sed -i "s/\]:[0-9]*/]:$PORT/" "$WORK/ssh/revoked"
for t in auto ssh; do SET=(--set "target.identity=$KEY" --set "target.known_hosts=$WORK/ssh/revoked" --set "target.transport=$t"); rehost copy "$SRC" "$T:$WORK/no"; expect 77 "a revoked host key, $t"; done
# Hashed known_hosts.
use_ssh; cp "$KNOWN" "$WORK/ssh/hashed"; ssh-keygen -q -H -f "$WORK/ssh/hashed" >/dev/null 2>&1
SET=(--set "target.identity=$KEY" --set "target.known_hosts=$WORK/ssh/hashed"); try "hashed known hosts"
# known_hosts that cannot be read (root reads all files; a directory is none) is not one in which the host is unknown.
for t in ssh libssh2; do
    use_ssh; SET=(--set "target.identity=$KEY" --set "target.known_hosts=$WORK/ssh" --set target.host_key=accept-new --set "target.transport=$t")
    rehost copy "$SRC" "$T:$WORK/no"; expect 77 "an unreadable known_hosts, $t"; has "it is named, $t" "$ERR" "RH0670.*$WORK/ssh'"
done
# A server whose words would drive the terminal.
start_sshd "ForceCommand printf 'said \\302\\2332J \\233 \\033[2J \\177\\n' >&2; exit 7"
for t in ssh libssh2; do
    use_ssh; rehost --set "target.transport=$t" copy "$SRC" "$T:$WORK/no"; expect_failure "a hostile server, $t"
    has "its words are told, $t" "$ERR" said
    refute "and drive nothing, $t" env LC_ALL=C grep -P '[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]' "$ERR"
done
# A target where no usual place can run programs but the home directory.
start_sshd; mount -o remount,noexec /run; mount -o remount,noexec /dev/shm; mount -o remount,noexec /var/tmp
try "only the home directory can run programs"
no_leftovers "at the end"
finish
