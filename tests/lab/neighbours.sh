# neighbours.sh: Postfix, Exim and OpenSMTPD as neighbours of the gateway: inside, as servers of the organisation that hand their
# mail to it; outside, as MX hosts (there Postfix is that of lib.sh). Read with "." after lib.sh, by tests that run in the lab.
# It owns: their configurations; those of the clients come out of doc/, as an operator would copy them, names and ports changed.
# Exim and OpenSMTPD are unpacked by scripts/install-packages, not installed: only one mail server can be that of the machine.
# It must never start one outside the lab's namespaces; what OpenSMTPD has compiled in as paths is put there in a namespace of its own.
# shellcheck shell=bash disable=SC2034,SC2154

neighbours=/var/cache/daneway-lab
exim=$neighbours/exim4-daemon-light/usr/sbin/exim4
opensmtpd=$neighbours/opensmtpd
postfix_client_port=2627 certified_client_port=2630 deciding_client_port=2631 exim_client_port=2628 opensmtpd_client_port=2629

need_neighbours() {
    [ -e "$exim" ] && [ -e "$opensmtpd/unpacked" ] || lab_fail "Exim and OpenSMTPD are not there: scripts/install-packages lab"
}

# The accounts that the programs ask for, in the lab's own passwd.
make_accounts() {
    local name number=64030
    for name in Debian-exim opensmtpd opensmtpq labmail; do
        echo "$name:x:$number:$number::$LAB_DISK:/usr/sbin/nologin" >>"$LAB/etc/passwd"
        echo "$name:x:$number:" >>"$LAB/etc/group"
        number=$((number + 1))
    done
}

# A certificate by which the gateway knows its neighbours, and the line of table clients for it.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=neighbour.corp.example \
        -keyout "$LAB/pki/neighbour.pem" -out "$LAB/pki/neighbour.crt" 2>/dev/null
    cat "$LAB/pki/neighbour.crt" >>"$LAB/pki/neighbour.pem"
    chown Debian-exim "$LAB/pki/neighbour.pem"
    echo "sha256:$(openssl x509 -noout -fingerprint -sha256 -in "$LAB/pki/neighbour.crt" | sed 's/.*=//')" >>"$LAB/daneway/clients"
}

# block DOCUMENT NAME: a configuration out of a document, with the lab's names in place of the example's.
block() {
    "$LAB_ROOT/tests/lab/documents.py" block "$LAB_ROOT/doc/$1" "$2" |
        sed -e "s|gw\.example\.org|gw.corp.example|g" -e "s|/etc/ssl/certs/ca-certificates.crt|$LAB/pki/gw-roots.pem|g" \
            -e "s,/etc/\(postfix\|exim4\)/daneway.pem,$LAB/pki/neighbour.pem,g" -e "s|@example\.org|@corp.example|g"
}

# mailbox_of DOMAIN USER: where an MX host puts its mail.
mailbox_of() {
    mkdir -p "$LAB/mail/$1"/{new,cur,tmp}
    chown -R "$2" "$LAB/mail/$1"
}

address_of() {
    dig +short "$1" A
}

# --- Postfix inside --------------------------------------------------------------------------------------------------

# start_postfix_client NAME PORT BLOCK...: an instance with these blocks of doc/POSTFIX.md, and what comes on standard input.
start_postfix_client() {
    local name=$1 port=$2
    { printf '%s\n' "myhostname = $name.corp.example" "inet_interfaces = 127.0.0.1"; for_blocks POSTFIX.md "${@:3}"; cat; } | postfix_instance "$name" "$LAB"
    cat >>"$LAB/postfix/$name/master.cf" <<END
127.0.0.1:$port inet n - n - 100 smtpd
tlsproxy unix - - n - 0 tlsproxy
clear unix - - n - - smtp
    -o smtp_tls_security_level=none
    -o smtp_tls_policy_maps=
END
    start_postfix_instance "$name" env
    wait_until 10 port_open 127.0.0.1 "$port"
}

for_blocks() {
    local document=$1 name
    shift
    for name in "$@"; do block "$document" "$name"; done
}

# --- Exim ------------------------------------------------------------------------------------------------------------

# exim_common NAME: what every Exim needs to live in the lab.
exim_common() {
    cat <<END
exim_path = $exim
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege
spool_directory = $LAB_DISK/$1
log_file_path = $LAB/log/$1-%s.log
pid_file_path = $LAB_DISK/$1/exim.pid
log_selector = +tls_cipher +tls_certificate_verified +tls_resumption +smtp_connection +received_recipients +pid
dsn_advertise_hosts = *
message_size_limit = 50M
keep_environment =
add_environment = PATH=/usr/bin:/bin
host_lookup =
END
}

# start_exim NAME PREFIX: with the configuration on standard input, in the network that PREFIX leads to.
start_exim() {
    mkdir -p "$LAB_DISK/$1"
    chown Debian-exim "$LAB_DISK/$1"
    install -o Debian-exim -m 600 /dev/null "$LAB/log/$1-main.log"
    chmod 777 "$LAB/log"
    cat >"$LAB/$1.conf"
    chmod 644 "$LAB/$1.conf"
    "$2" "$exim" -C "$LAB/$1.conf" -bdf -q10s >"$LAB/log/$1.out" 2>&1 </dev/null &
    disown
}

start_exim_client() {
    { exim_common exim-client; cat <<END; } | start_exim exim-client env
primary_hostname = exim.corp.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = $exim_client_port
domainlist local_domains = corp.example
acl_smtp_rcpt = take
begin acl
take:
  accept
begin routers
in_clear:
  driver = manualroute
  domains = interop-clear.example
  route_list = * 127.0.0.1
  self = send
  transport = in_clear
certified:
  driver = manualroute
  domains = interop-postfix.example
  route_list = * gw.corp.example byname
  transport = certified
$(block EXIM.md routers)
begin transports
in_clear:
  driver = smtp
  port = $gateway_port
  hosts_avoid_tls = *
  allow_localhost
$(block EXIM.md transports)
$(block EXIM.md transports | sed 's/^daneway:/certified:/')
$(block EXIM.md certificate)
  interface = 203.0.113.25
begin retry
* * F,1h,5s
END
    wait_until 10 port_open 127.0.0.1 $exim_client_port
}

start_exim_server() {
    local host=mx.interop-exim.example address
    address=$(address_of $host)
    mailbox_of interop-exim.example Debian-exim
    install -o Debian-exim -m 400 "$LAB/pki/$host.pem" "$LAB/exim-server.pem"
    { exim_common exim-server; cat <<END; } | start_exim exim-server on_outside
primary_hostname = $host
local_interfaces = $address
daemon_smtp_ports = 25
tls_certificate = $LAB/exim-server.pem
tls_resumption_hosts = *
acl_smtp_rcpt = take
begin acl
take:
  defer local_parts = busy
        message = 4.2.0 Mailbox busy, come back later
  deny local_parts = nobody
       message = 5.1.1 No such user here
  accept
begin routers
all:
  driver = accept
  domains = interop-exim.example
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = $LAB/mail/interop-exim.example
  envelope_to_add
END
    wait_until 10 port_open "$address" 25
}

# --- OpenSMTPD -------------------------------------------------------------------------------------------------------

# start_opensmtpd NAME PREFIX: with the configuration on standard input. Its spool, chroot and helpers are at fixed places.
start_opensmtpd() {
    local own="$LAB_DISK/$1"
    mkdir -p "$own/spool" "$own/lib/opensmtpd/empty" "$own/lab"
    cat >"$LAB/$1.conf"
    chmod 600 "$LAB/$1.conf"
    "$2" unshare --mount -- bash -c "
        mount --bind '$opensmtpd/usr/libexec' /usr/libexec
        mount --bind '$own/spool' /var/spool
        mount --bind '$own/lib' /var/lib
        mount --bind '$LAB/pki/gw-roots.pem' /etc/ssl/certs/ca-certificates.crt
        mount --rbind /run/lab '$own/lab'
        mount -t tmpfs run /run
        mkdir -p /run/lab \"\$(dirname \"\$(readlink -m /etc/resolv.conf)\")\"
        mount --rbind '$own/lab' /run/lab
        [ -e /etc/resolv.conf ] || cp /run/lab/etc/resolv.conf \"\$(readlink -m /etc/resolv.conf)\"
        install -d -m 711 /var/spool/smtpd
        exec $opensmtpd/usr/sbin/smtpd -d -f '$LAB/$1.conf'" >"$LAB/log/$1.log" 2>&1 </dev/null &
    disown
}

start_opensmtpd_client() {
    start_opensmtpd opensmtpd-client env <<END
listen on 127.0.0.1 port $opensmtpd_client_port
action "clear" relay host smtp+notls://127.0.0.1:$gateway_port
match from any for domain "interop-clear.example" action "clear"
$(block INTEROPERATION.md smtpd.conf)
END
    wait_until 10 port_open 127.0.0.1 $opensmtpd_client_port
}

start_opensmtpd_server() {
    local host=mx.interop-osmtpd.example address
    address=$(address_of $host)
    mailbox_of interop-osmtpd.example labmail
    install -m 600 "$LAB/pki/$host.pem" "$LAB/opensmtpd-server.pem"
    start_opensmtpd opensmtpd-server on_outside <<END
pki $host cert "$LAB/opensmtpd-server.pem"
pki $host key "$LAB/opensmtpd-server.pem"
table boxes { "@" = "labmail" }
filter busy phase rcpt-to match rcpt-to { "busy@interop-osmtpd.example" } reject "450 4.2.0 Mailbox busy, come back later"
filter nobody phase rcpt-to match rcpt-to { "nobody@interop-osmtpd.example" } reject "550 5.1.1 No such user here"
filter both chain { busy, nobody }
listen on $address port 25 tls pki $host hostname $host filter both
action "box" maildir "$LAB/mail/interop-osmtpd.example" virtual <boxes>
match from any for domain "interop-osmtpd.example" action "box"
action "notices" relay host smtp+notls://203.0.113.25:25
match from local for domain "corp.example" action "notices"
END
    wait_until 10 port_open "$address" 25
}
