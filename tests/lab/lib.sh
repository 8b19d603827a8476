# lib.sh: functions for the lab and for the tests that run in it; read with "." by tests/lab/inside and tests/system/*.
# It owns: how the lab's servers are started, asked for and stopped. The files they read come from build.py.
# Needs: LAB (directory of the lab), LAB_ROOT (top of the source tree), LAB_DISK (directory on disk).
# It must never start a server outside the lab's namespaces, or end a process that it did not start.
# Names ending in _port are fixed: 2025 danewayd, 2026 the comparison Postfix, 2525 the internal Postfix.
# shellcheck shell=bash disable=SC2034,SC2317

LAB=${LAB:-/run/lab}
LAB_ROOT=${LAB_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
LAB_DISK=${LAB_DISK:-$(cat "$LAB/disk" 2>/dev/null || true)}
gateway_port=2025
oracle_port=2026
internal_port=2525
postfix_daemons=/usr/lib/postfix/sbin

lab_fail() {
    echo "lab: $*" >&2
    exit 1
}

need_lab() {
    [ -d "$LAB/zones" ] || lab_fail "this runs inside the lab: scripts/lab run $0"
}

bc_less() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'
}

# wait_until SECONDS COMMAND...: true as soon as the command is.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

port_open() {
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# on_outside COMMAND...: on the other side of the cable, where the Internet is.
on_outside() {
    nsenter --net=/run/netns/outside -- "$@"
}

# --- DNS -------------------------------------------------------------------------------------------------------------

start_dns() {
    chown -R nsd "$LAB/zones"
    echo "$LAB_DISK" >"$LAB/disk"
    start_nsd
    on_outside nsd -d -c "$LAB/nsd-refusing.conf" >"$LAB/log/nsd-refusing.log" 2>&1 &
    chmod 644 "$LAB/root.key" "$LAB/root.hints"
    start_unbound "$LAB/unbound.conf"
}

# start_unbound FILE: the resolver; stop_unbound ends it, so that a test can put another in its place.
start_unbound() {
    unbound -d -c "$1" >>"$LAB/log/unbound.log" 2>&1 &
    echo $! >"$LAB/unbound.pid"
    disown
}

stop_unbound() {
    local pid
    pid=$(cat "$LAB/unbound.pid")
    kill "$pid"
    wait_until 5 process_gone "$pid"
}

dns_answers() {
    dig +time=1 +tries=1 @127.0.0.1 . SOA | grep -q 'flags:.* ad'
}

# --- Postfix ---------------------------------------------------------------------------------------------------------

# postfix_instance NAME QUEUE-PARENT [MYNETWORKS]: directories of an instance; its part of main.cf is standard input.
postfix_instance() {
    local name=$1 parent=$2 dir="$LAB/postfix/$1" queue="$2/queue-$1" sub
    mkdir -p "$dir" "$queue" "$parent/data-$name"
    for sub in active bounce corrupt defer deferred flush hold incoming private saved trace; do
        mkdir -p "$queue/$sub"
        chown postfix "$queue/$sub"
        chmod 700 "$queue/$sub"
    done
    mkdir -p "$queue/maildrop" "$queue/public" "$queue/pid"
    chown postfix:postdrop "$queue/maildrop" "$queue/public"
    chmod 730 "$queue/maildrop"
    chmod 710 "$queue/public"
    chown postfix "$parent/data-$name"
    { postfix_common "$name" "$queue" "$parent/data-$name" "${3:-}"; cat; } >"$dir/main.cf"
    cp "$LAB_ROOT/tests/lab/postfix-master.cf" "$dir/master.cf"
}

postfix_common() {
    cat <<EOF
compatibility_level = 3.6
config_directory = $LAB/postfix/$1
queue_directory = $2
data_directory = $3
syslog_name = $1
maillog_file = $LAB/log/$1.log
maillog_file_prefixes = /run
mail_owner = postfix
setgid_group = postdrop
multi_instance_enable = no
inet_interfaces = all
inet_protocols = all
mynetworks = ${4:-127.0.0.0/8}
mydestination =
myorigin = corp.example
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, permit_auth_destination, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
message_size_limit = 52428800
default_process_limit = 200
virtual_mailbox_base = $LAB/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
EOF
}

# The MX hosts of all domains: one instance, a listener for each address.
make_mx() {
    postfix_instance mx "$LAB" 192.0.2.255 <<EOF
virtual_mailbox_domains = texthash:$LAB/postfix/mx.domains
virtual_mailbox_maps = texthash:$LAB/postfix/mx.mailboxes
smtpd_tls_received_header = yes
smtpd_tls_session_cache_database =
smtpd_tls_loglevel = 1
lab_rcpt550 = check_recipient_access static:{550 5.1.1 User unknown here}
lab_rcpt450 = check_recipient_access static:{450 4.2.0 Mailbox busy come back later}
lab_picky = check_recipient_access inline:{ {busy@ = 450 4.2.0 Mailbox busy come back later}, {nobody@ = 550 5.1.1 No such user here} }
lab_mail550 = check_sender_access static:{550 5.7.1 Sender refused}
EOF
    sed 's/^@//; s/ .*/ yes/' "$LAB/postfix/mx.mailboxes" >"$LAB/postfix/mx.domains"
    cat "$LAB/postfix/mx.master" >>"$LAB/postfix/mx/master.cf"
}

# The organisation's own mail server: hands all mail to the gateway, keeps the mailboxes of corp.example.
make_internal() {
    local relay=$gateway_port
    [ "$LAB_GATEWAY" = danewayd ] || relay=$oracle_port
    postfix_instance internal "$LAB" <<EOF
myhostname = mail.corp.example
relayhost = [127.0.0.1]:$relay
virtual_mailbox_domains = corp.example
virtual_mailbox_maps = static:corp.example/
smtp_tls_security_level = may
smtp_connect_timeout = 5s
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
EOF
    cat >>"$LAB/postfix/internal/master.cf" <<EOF
127.0.0.1:$internal_port inet n - n - 100 smtpd
203.0.113.25:25 inet n - n - 20 smtpd
EOF
}

# Debian's Postfix as a DANE client: what Daneway is compared with. Its queue is on disk, as Daneway's spool is.
make_oracle() {
    postfix_instance oracle "$LAB_DISK" <<EOF
myhostname = oracle.corp.example
transport_maps = inline:{ { corp.example = smtp:[127.0.0.1]:$internal_port } }
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_policy_maps = texthash:$LAB/daneway/tls_policy
smtp_tls_loglevel = 1
smtp_tls_CAfile = $LAB/pki/public-roots.pem
dnssec_probe =
smtp_address_preference = any
smtp_connect_timeout = 5s
smtp_helo_timeout = 10s
smtp_starttls_timeout = 10s
smtp_rcpt_timeout = 10s
smtp_data_done_timeout = 20s
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
max_use = 1000
smtp_tls_session_cache_database = btree:\$data_directory/smtp_scache
smtp_destination_concurrency_limit = 50
initial_destination_concurrency = 20
qmgr_message_active_limit = 20000
EOF
    echo "127.0.0.1:$oracle_port inet n - n - 100 smtpd" >>"$LAB/postfix/oracle/master.cf"
}

start_postfix() {
    chmod 755 "$LAB" "$LAB/pki"
    chown 65534:65534 "$LAB/mail"
    make_mx
    make_internal
    make_oracle
    start_postfix_instance mx on_outside
    start_postfix_instance internal env
    start_postfix_instance oracle env
}

# start_postfix_instance NAME PREFIX: in the network that PREFIX leads to.
start_postfix_instance() {
    "$2" "$postfix_daemons/master" -c "$LAB/postfix/$1" -d >"$LAB/log/$1.out" 2>&1 </dev/null &
    echo $! >"$LAB/postfix/$1.pid"
    disown
}

# --- scripted servers ------------------------------------------------------------------------------------------------

start_scripted() {
    on_outside /usr/bin/python3 "$LAB_ROOT/tests/lab/peculiar.py" "$LAB/odd.json" >"$LAB/log/peculiar.log" 2>&1 &
}

# --- MTA-STS policy hosts ----------------------------------------------------------------------------------------------

start_web() {
    on_outside nginx -c "$LAB/nginx.conf" -e stderr >"$LAB/log/nginx.out" 2>&1 &
    on_outside /usr/bin/python3 "$LAB_ROOT/tests/lab/web.py" "$LAB/web.json" 192.0.2.81 "$LAB/log/web-odd.requests" \
        >"$LAB/log/web-odd.log" 2>&1 &
    # A policy host at a loopback address would be the gateway's own machine: hence inside.
    /usr/bin/python3 "$LAB_ROOT/tests/lab/web.py" "$LAB/web.json" 127.0.0.1 "$LAB/log/web-loopback.requests" \
        >"$LAB/log/web-loopback.log" 2>&1 &
}

# sts_record DOMAIN [RECORDS]: from now on _mta-sts.DOMAIN has these records ("TXT ..." or "NS ..." a line), or none.
# Unbound knows the old ones for a second more. Only for unsigned domains.
sts_record() {
    local zone="$LAB/zones/$1" name="_mta-sts.$1." mark="_mark.$1." new
    local number=$RANDOM$RANDOM
    new=$(grep -v -e "^$name " -e "^$mark " "$zone"; [ -z "${2:-}" ] || sed "s/^/$name 1 IN /" <<<"$2")
    printf '%s\n%s 1 IN TXT "%s"\n' "$new" "$mark" "$number" >"$zone"
    reload_nsd "$mark" "$number"
}

# reload_nsd NAME TEXT: until the TXT record is served. NSD 4.6 crashes in a reload now and then: it is told again, or
# started again.
reload_nsd() {
    local try
    for try in 1 2 3 4 5; do
        kill -HUP "$(cat "$LAB/nsd.pid")" 2>/dev/null || start_nsd
        wait_until 3 is_served "$@" && return 0
    done
    lab_fail "NSD does not serve $1 after $try reloads: $(tail -n 3 "$LAB/log/nsd.log")"
}

start_nsd() {
    on_outside nsd -d -c "$LAB/nsd.conf" >>"$LAB/log/nsd.log" 2>&1 &
    disown
}

is_served() {
    dig +norec +time=1 +tries=1 +short @192.0.2.53 "$1" TXT | grep -qF "$2"
}

# sts_file DOMAIN [MODE MX...]: from now on the policy host serves that policy, or 404.
sts_file() {
    local file="$LAB/policies/mta-sts.$1/.well-known/mta-sts.txt"
    [ $# -gt 1 ] || { rm -f "$file"; return; }
    printf 'version: STSv1\r\nmode: %s\r\nmax_age: 86400\r\n' "$2" >"$file"
    [ $# -lt 3 ] || printf 'mx: %s\r\n' "${@:3}" >>"$file"
}

# sts_fetches DOMAIN: how often nginx was asked for the policy of a domain.
sts_fetches() {
    grep -c "^mta-sts\.$1 [0-9]* \"GET /.well-known/mta-sts.txt " "$LAB/log/policy-access.log" || true
}

wait_for_lab() {
    wait_until 15 dns_answers || lab_fail "DNS does not answer with validated data; see $(tail -n 3 "$LAB/log/unbound.log")"
    wait_until 10 port_open 127.0.0.1 $internal_port || lab_fail "the internal Postfix does not listen: $(tail -n 3 "$LAB/log/internal.log")"
    wait_until 10 port_open 127.0.0.1 $oracle_port || lab_fail "the comparison Postfix does not listen: $(tail -n 3 "$LAB/log/oracle.log")"
    wait_until 10 port_open 198.51.100.10 25 || lab_fail "the MX hosts do not listen: $(tail -n 3 "$LAB/log/mx.log")"
    wait_until 10 port_open 192.0.2.80 443 || lab_fail "the policy hosts do not listen: $(tail -n 3 "$LAB/log/nginx.out")"
    wait_until 10 grep -q ready "$LAB/log/web-odd.log" || lab_fail "web.py does not run: $(cat "$LAB/log/web-odd.log")"
    wait_until 10 grep -q ready "$LAB/log/web-loopback.log" || lab_fail "web.py does not run: $(cat "$LAB/log/web-loopback.log")"
    wait_until 10 grep -q ready "$LAB/log/peculiar.log" || lab_fail "the scripted servers do not run: $(cat "$LAB/log/peculiar.log")"
}

# --- danewayd --------------------------------------------------------------------------------------------------------

# find_program NAME: in $PATH-like places of the build.
find_program() {
    local place
    for place in "$LAB_ROOT/build" "$LAB_ROOT/build/src" "$LAB_ROOT" "$LAB_ROOT/src"; do
        [ -x "$place/$1" ] && [ ! -d "$place/$1" ] && { echo "$place/$1"; return 0; }
    done
    echo "$1"
}

# write_daneway_conf STATE-DIRECTORY
write_daneway_conf() {
    local state=$1
    mkdir -p "$LAB/daneway" /run/daneway "$state"
    chown daneway:daneway /run/daneway "$state"
    sed -e "s|@LAB@|$LAB|g" -e "s|@STATE@|$state|g" -e "s|@PORT@|$gateway_port|g" -e "s|@INTERNAL@|$internal_port|g" \
        -e "s|@MODE@|${LAB_RESOLVER_MODE:-loopback}|" "$LAB_ROOT/tests/lab/daneway.conf.in" >"$LAB/daneway/daneway.conf"
    chown daneway "$LAB/pki/gw.key"
    printf '# the lab: 127.0.0.200 and the like are strangers\n127.0.0.0/25\n' >"$LAB/daneway/clients"
    : >"$LAB/daneway/mailboxes"
}

daneway_conf=$LAB/daneway/daneway.conf

start_daneway() {
    DANEWAYD=${DANEWAYD:-$(find_program danewayd)}
    "$DANEWAYD" -f -c "$daneway_conf" >>"$LAB/log/danewayd.log" 2>&1 </dev/null &
    daneway_pid=$!
    echo "$daneway_pid" >"$LAB/daneway.pid"
    disown
    if ! wait_until 10 gateway_up; then
        tail -n 5 "$LAB/log/danewayd.log" >&2
        return 1
    fi
}

# Takes mail, and its command is answered: the roles start side by side.
gateway_up() {
    port_open 127.0.0.1 $gateway_port &&
        curl -s -m 2 -o /dev/null --unix-socket /run/daneway/status.sock http://localhost/status
}

# All processes of danewayd: the supervisor and what it forked.
daneway_pids() {
    local pid
    pid=$(cat "$LAB/daneway.pid" 2>/dev/null) || return 0
    if kill -0 "$pid" 2>/dev/null; then echo "$pid"; fi
    pgrep -P "$pid" || true
}

stop_daneway() {
    local pid
    pid=$(cat "$LAB/daneway.pid" 2>/dev/null) || return 0
    rm -f "$LAB/daneway.pid"
    kill -TERM "$pid" 2>/dev/null || return 0
    wait_until 30 process_gone "$pid" || { echo "lab: danewayd did not end within 30 s of SIGTERM" >&2; kill -KILL "$pid"; }
}

process_gone() {
    [ ! -e "/proc/$1" ] || [ "$(awk '/^State:/ { print $2 }' "/proc/$1/status")" = Z ]
}

# --- the gateway under test, whichever it is: danewayd, or Debian's Postfix for comparison ---------------------------

gateway_pid() {
    if [ "$1" = danewayd ]; then cat "$LAB/daneway.pid"; else cat "$LAB/postfix/oracle.pid"; fi
}

gateway_port_of() {
    if [ "$1" = danewayd ]; then echo $gateway_port; else echo $oracle_port; fi
}

# kill_gateway KIND: SIGKILL to all its processes at once, as a power cut would.
kill_gateway() {
    local pid pids
    pid=$(gateway_pid "$1")
    mapfile -t pids < <(echo "$pid"; pgrep -P "$pid" || true)
    kill -KILL "${pids[@]}" 2>/dev/null || true
    wait_until 5 process_gone "$pid"
}

restart_gateway() {
    if [ "$1" = danewayd ]; then
        start_daneway
    else
        start_postfix_instance oracle env
        wait_until 10 port_open 127.0.0.1 $oracle_port
    fi
}

# bench_tool NAME: a program of tests/bench, in the build that danewayd comes from.
bench_tool() {
    local build
    build=$(dirname "${DANEWAYD:-$(find_program danewayd)}")
    [ -x "$build/tests/bench/$1" ] || lab_fail "there is no $build/tests/bench/$1; build first, and name the build directory"
    echo "$build/tests/bench/$1"
}

# The MX host of load.example; what it has taken is in $LAB/sink.log, an id and a time a line.
start_sink() {
    local address certificate name
    read -r address certificate name <"$LAB/sink"
    on_outside "$(bench_tool sink)" --listen "$address" --certificate "$certificate" --name "$name" \
        --log "$LAB/sink.log" >"$LAB/log/sink.log" 2>&1 &
    wait_until 10 grep -q ready "$LAB/log/sink.log" || lab_fail "the sink does not run: $(cat "$LAB/log/sink.log")"
}

# --- for the tests ---------------------------------------------------------------------------------------------------

# in_lab SCRIPT ARGUMENTS...: a test that is started outside a lab starts itself again inside one.
in_lab() {
    [ -d "$LAB/zones" ] || exec "$LAB_ROOT/scripts/lab" run "$@"
}

# all_arrived OUT PREFIX: the sink has every message that OUT says was accepted; counts first, since that is cheap.
all_arrived() {
    [ "$(grep -c "^$2-" "$LAB/sink.log")" -ge "$(grep -vc '^?' "$1")" ] &&
        "$LAB_ROOT/tests/bench/figures.py" check "$1" "$LAB/sink.log" "$2" 1000000 >/dev/null
}

# check WHAT COMMAND...: one line for each thing proved; finish ends the test with the verdict.
failures=0
check() {
    local what=$1
    shift
    if "$@"; then
        echo "  ok   $what"
    else
        echo "  FAIL $what"
        failures=$((failures + 1))
    fi
}

# Every report that a test has led to, as files or as counts of today, is one of RFC 8460.
reports_are_strict() {
    local state=$LAB_DISK/state files=()
    if daneway_cli report show --json >"$LAB/reports.today" 2>/dev/null; then
        "$LAB_ROOT/tests/lab/rfc8460.py" --list "$LAB/reports.today" || return 1
    fi
    mapfile -t files < <(find "$state/reports" -type f 2>/dev/null)
    [ ${#files[@]} = 0 ] || "$LAB_ROOT/tests/lab/rfc8460.py" "${files[@]}"
}

finish() {
    check "every TLS report is one of RFC 8460" reports_are_strict
    if [ $failures = 0 ]; then
        echo "PASS $(basename "$0")"
        exit 0
    fi
    echo "FAIL $(basename "$0"): $failures"
    exit 1
}

daneway_cli() {
    "${DANEWAY:-$(find_program daneway)}" -c "$daneway_conf" "$@"
}

# --- what crosses the cable ------------------------------------------------------------------------------------------

# start_capture FILE: all SMTP that leaves the inside, the hop from the internal Postfix to the gateway left out.
# Without immediate mode the kernel keeps what came in the last second, and tcpdump ends without having seen it.
start_capture() {
    tcpdump -i gw0 -n --immediate-mode -U -s 0 -B 32768 -Z root -w "$1" 'tcp port 25 and not host 203.0.113.25' 2>"$LAB/log/tcpdump.log" &
    capture_pid=$!
    wait_until 5 grep -q 'listening on' "$LAB/log/tcpdump.log" || lab_fail "tcpdump: $(cat "$LAB/log/tcpdump.log")"
}

stop_capture() {
    sleep 0.3
    kill -INT "$capture_pid"
    wait "$capture_pid" || true
    if ! awk '/ packets captured/ { seen = $1 } / received by filter/ { came = $1 } / dropped by kernel/ { lost = $1 }
        END { exit !(seen > 0 && seen == came && lost == 0) }' "$LAB/log/tcpdump.log"; then
        lab_fail "the capture has lost packets and proves nothing: $(tail -n 3 "$LAB/log/tcpdump.log" | paste -s -d ,)"
    fi
}
