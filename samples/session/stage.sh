# The stage of the sample session: the hosts (network namespaces), the cables between them, and the
# daemons that live on them. Sourced by ./play, which sets `work` and `here`.
# shellcheck shell=bash disable=SC2154

readonly kHosts=(desk mail web shell dns)
declare -rA kAddress=([desk]=2 [mail]=25 [web]=80 [shell]=23 [dns]=53)

# on HOST COMMAND…: runs it in that host's network namespace.
on() {
  local host=$1
  shift
  ip netns exec "$host" "$@"
}

# wait_for WHAT COMMAND…: until the command succeeds, at most ten seconds.
wait_for() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 100; ++tries)); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "play: $what did not start" >&2
  return 1
}

# What the daemons would read or write of the host's is covered by files of the session's own; only
# this mount namespace sees it.
hide_the_host() {
  local resolver
  hostname session
  mount --make-rprivate /
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /var/log
  mkdir -p /run/netns /run/lock
  resolver=$(readlink -m /etc/resolv.conf)
  mkdir -p "$(dirname "$resolver")"
  [[ -e $resolver ]] || touch "$resolver"
  printf 'nameserver 10.77.0.53\n' >"$work/resolv.conf"
  mount --bind "$work/resolv.conf" "$resolver"
  echo 5e550000000000000000000000000000 >"$work/machine-id"
  [[ ! -e /etc/machine-id ]] || mount --bind "$work/machine-id" /etc/machine-id
  add_user ada lovelace
}

# add_user NAME PASSWORD: somebody who can log in, in copies of passwd and shadow.
add_user() {
  local home="$work/home/$1"
  mkdir -p "$home"
  chown 7077:7077 "$home"
  cp -p /etc/passwd /etc/shadow "$work"
  printf '%s:x:7077:7077:Ada:%s:/bin/sh\n' "$1" "$home" >>"$work/passwd"
  printf '%s:%s:19000:0:99999:7:::\n' "$1" "$(password_hash "$2")" >>"$work/shadow"
  mount --bind "$work/passwd" /etc/passwd
  mount --bind "$work/shadow" /etc/shadow
  touch /var/log/lastlog /var/log/wtmp /var/log/btmp /run/utmp
}

password_hash() {
  python3 -W ignore -c 'import crypt, sys; print(crypt.crypt(sys.argv[1]))' "$1"
}

lay_the_cables() {
  local host
  ip link set lo up
  ip netns add switch
  on switch ip link add br0 type bridge
  on switch ip link set br0 up
  for host in "${kHosts[@]}"; do
    ip netns add "$host"
    ip link add eth0 netns "$host" type veth peer name "$host" netns switch
    on switch ip link set "$host" master br0 up
    on "$host" ip link set lo up
    on "$host" ip link set eth0 up
    on "$host" ip address add "10.77.0.${kAddress[$host]}/24" dev eth0
    on "$host" ip address add "fd77::${kAddress[$host]}/64" dev eth0 nodad
  done
}

# configure DAEMON: its own folder in $work, and its configuration with @dir@ filled in.
configure() {
  mkdir -p "$work/$1"
  sed "s|@dir@|$work/${2:-$1}|g" "$here/etc/$1.conf" >"$work/$1/$1.conf"
}

# is_listening HOST PORT
is_listening() { on "$1" ss -Hltn "sport = :$2" | grep -q .; }

start_daemons() {
  configure dnsmasq
  on dns dnsmasq -C "$work/dnsmasq/dnsmasq.conf" >"$work/dnsmasq/stderr" 2>&1 &
  start_mail
  start_web
  configure xinetd
  on shell xinetd -dontfork -f "$work/xinetd/xinetd.conf" -pidfile "$work/xinetd/pid" \
    >"$work/xinetd/stderr" 2>&1 &
  wait_for dnsmasq is_listening dns 53
  wait_for exim4 is_listening mail 25
  wait_for dovecot is_listening mail 143
  wait_for nginx is_listening web 80
  wait_for xinetd is_listening shell 23
}

# exim delivers into the maildir that dovecot reads.
start_mail() {
  configure exim4 mail
  configure dovecot mail
  mkdir -p "$work"/mail/{spool,maildir,run,state}
  printf 'ada:lovelace\n' >"$work/mail/users"
  chown -R Debian-exim: "$work/mail"
  mount --bind "$work/exim4" /etc/exim4
  on mail exim4 -bdf -q1h >"$work/exim4/stderr" 2>&1 &
  on mail dovecot -F -c "$work/dovecot/dovecot.conf" >"$work/dovecot/stderr" 2>&1 &
}

start_web() {
  local page
  configure nginx
  mkdir -p "$work/nginx/html" "$work/nginx/tmp"
  for page in index news sports weather contact; do
    head -c 20000 /dev/zero | tr '\0' "${page:0:1}" >"$work/nginx/html/$page.html"
  done
  head -c 5000000 /dev/zero >"$work/nginx/html/large"
  chown -R www-data: "$work/nginx"
  on web nginx -c "$work/nginx/nginx.conf" -e "$work/nginx/error.log" >"$work/nginx/stderr" 2>&1 &
}

# What the kernel itself counted, for ./check.
write_down_counters() {
  local host
  for host in "${kHosts[@]}"; do
    on "$host" ip -json -statistics link show >"$work/$host.links.json"
  done
}

# Ends whatever runs on the session's hosts, by its pid, and waits until it is gone.
end_all() {
  local host pids=() tries
  trap - EXIT
  [[ -z ${recorder:-} ]] || kill "$recorder" 2>/dev/null || true
  for ((tries = 0; tries < 50; ++tries)); do
    pids=()
    for host in "${kHosts[@]}"; do
      mapfile -t -O "${#pids[@]}" pids < <(ip netns pids "$host" 2>/dev/null)
    done
    ((${#pids[@]} > 0)) || return 0
    kill "-$( ((tries < 20)) && echo TERM || echo KILL)" "${pids[@]}" 2>/dev/null || true
    sleep 0.1
  done
}
