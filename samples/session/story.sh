# What happens in the sample session, scene by scene. Sourced by ./play.
# shellcheck shell=bash disable=SC2154

tell_the_story() {
  scene send_mail
  scene read_mail
  scene browse
  scene log_in
  scene start_and_stop_a_service
  scene poll_without_keep_alive
  scene mistake_the_mtu
  scene pull_the_plug
  sleep 1
}

# scene NAME: plays it, and writes down from when to when.
scene() {
  local from
  from=$(date +%s.%6N)
  "$1" || {
    echo "play: the scene $1 failed" >&2
    return 1
  }
  printf '%s %s %s\n' "$from" "$(date +%s.%6N)" "$1" >>"$work/scenes.log"
}

# One short message, and one with a large attachment over a slow line.
send_mail() {
  printf 'From: ada@desk.example\nSubject: hello\n\nshort\n' >"$work/short.eml"
  { printf 'From: ada@desk.example\nSubject: picture\n\n' && base64 -w 76 /usr/bin/ls | head -c 150000; } \
    >"$work/long.eml"
  submit "$work/short.eml"
  submit "$work/long.eml" --limit-rate 60k
}

submit() {
  local message=$1
  shift
  on desk curl --silent --show-error --ipv4 "$@" --mail-from ada@desk.example \
    --mail-rcpt ada@mail.example --upload-file "$message" smtp://mail.example/desk.example
}

# An IMAP session that lists the mailbox, reads both messages, and lingers as people do.
read_mail() {
  on desk "$here/desk/read_mail" mail.example ada lovelace 2 >"$work/read_mail.log"
}

# One page after another, five pages over one connection, and a download that takes its time.
browse() {
  local page download
  get large -4 &
  download=$!
  for page in index news sports weather contact; do
    get "$page.html" -4
    sleep 0.2
  done
  get '{index,news,sports,weather,contact}.html' -6 --rate 2/s
  wait "$download"
}

get() {
  local page=$1
  shift
  on desk curl --silent --show-error --fail --output /dev/null "$@" "http://www.example/$page"
}

# Telnet as typed: login, password, a few commands.
log_in() {
  {
    sleep 1 && printf 'ada\r\n'
    sleep 1 && printf 'lovelace\r\n'
    sleep 1 && printf 'id; uptime\r\n'
    sleep 1 && printf 'exit\r\n'
    sleep 1
  } | on desk inetutils-telnet shell.example >"$work/telnet.log" 2>&1 || true
  grep -q 'uid=7077(ada)' "$work/telnet.log"
}

# A service nobody announced: there for three seconds.
start_and_stop_a_service() {
  local service
  mkdir -p "$work/secret"
  ip netns exec web python3 -u -m http.server --bind 10.77.0.80 --directory "$work/secret" 8000 \
    >"$work/secret.log" 2>&1 &
  service=$!
  date +%s.%6N >"$work/secret.started"
  wait_for 'the secret service' is_listening web 8000
  on desk curl --silent --output /dev/null http://10.77.0.80:8000/
  sleep 2
  kill "$service"
  wait "$service" || true
  date +%s.%6N >"$work/secret.stopped"
}

# A program that opens a connection for each of its 400 questions and closes it first.
poll_without_keep_alive() {
  on desk "$here/desk/poller" 10.77.0.80 400
  sleep 1
}

# Somebody sets a smaller MTU on one end of a cable: large packets vanish, and the counter says so.
mistake_the_mtu() {
  local i
  on dns ip link set eth0 mtu 600
  for ((i = 0; i < 30; ++i)); do
    on desk bash -c 'head -c 1200 /dev/zero >/dev/udp/10.77.0.53/9'
  done
  sleep 0.5
  on dns ip link set eth0 mtu 1500
}

# The shell host's cable is out for a second and a half.
pull_the_plug() {
  on switch ip link set shell down
  sleep 1.5
  on switch ip link set shell up
  sleep 0.5
}
