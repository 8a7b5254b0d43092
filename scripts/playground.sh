# shellcheck shell=bash
# For ./run: addresses, the user that serves, and the folder with configuration, store, users and certificate.
# Sourced after common.sh.

MARKER=.made-by-pillarbox-run
UNFINISHED=.without-users-and-mail # in the folder until the first start has come that far
SERVER_NAME=pillarbox.example
PASSWORD=pillarbox

# check_address NAME VALUE: dies unless VALUE is host:port. An IPv6 address stands in brackets.
check_address() {
  local name=$1 value=$2 port
  [[ $value =~ ^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$ ]] ||
    die "$name=$value is not of the form host:port, such as 127.0.0.1:1110 or [::1]:1110"
  port=$((10#${BASH_REMATCH[2]}))
  ((port >= 1 && port <= 65535)) || die "$name=$value: ports go from 1 to 65535"
}

# check_folder NAME VALUE: dies unless VALUE can stand in cyrus.conf, where blanks separate words and nothing quotes them.
check_folder() {
  [[ $2 =~ ^[A-Za-z0-9._/+@%=,~-]+$ ]] || die "$1=$2: the folder's name must do without blanks, quotes and such"
}

host_of() {
  local host=${1%:*}
  host=${host#[}
  echo "${host%]}"
}

# check_free WHO ADDRESS: dies when something answers there already.
check_free() {
  local host port=${2##*:}
  host=$(host_of "$2")
  if (exec 9<>"/dev/tcp/$host/$port") 2>/dev/null; then
    die "$1 asks for $2, but something is listening there already; end it, or set the address"
  fi
}

# answers ADDRESS pop3|pop3s|lmtp: whether the greeting of that protocol comes.
answers() {
  local host port=${1##*:} line=
  host=$(host_of "$1")
  case $2 in
    pop3 | lmtp)
      { exec 9<>"/dev/tcp/$host/$port"; } 2>/dev/null || return 1
      IFS= read -r -t 5 line <&9 || true
      printf 'QUIT\r\n' >&9 || true
      exec 9>&- 9<&-
      ;;
    pop3s)
      # The request stays open until the greeting has come: s_client leaves at the end of its input.
      line=$({ sleep 1; printf 'QUIT\r\n'; } | timeout 6 openssl s_client -quiet -connect "${1%:*}:$port" 2>/dev/null |
        head -n 1) || true
      ;;
  esac
  [[ $line == +OK* || $line == 220* ]]
}

# lmtp_deliver ADDRESS USER < MESSAGE: hands a message to lmtpd (RFC 2033). Lines may end with LF.
lmtp_deliver() {
  local host port=${1##*:} user=$2 line status=0
  host=$(host_of "$1")
  { exec 9<>"/dev/tcp/$host/$port"; } 2>/dev/null || return 1
  lmtp_says 220 &&
    lmtp_says 250 "LHLO localhost" &&
    lmtp_says 250 "MAIL FROM:<postmaster@$SERVER_NAME>" &&
    lmtp_says 250 "RCPT TO:<$user>" &&
    lmtp_says 354 DATA &&
    while IFS= read -r line; do
      [[ $line != .* ]] || line=.$line
      printf '%s\r\n' "$line" >&9
    done &&
    lmtp_says 250 . || status=1
  printf 'QUIT\r\n' >&9
  exec 9>&- 9<&-
  return "$status"
}

# lmtp_says CODE [COMMAND]: sends the command to descriptor 9; whether the reply has that code.
lmtp_says() {
  local line=
  (($# < 2)) || printf '%s\r\n' "$2" >&9
  while IFS= read -r -t 10 line <&9; do
    [[ $line == ???-* ]] || break
  done
  [[ $line == "$1"* ]]
}

# session_members ID: the living processes of that session, one to a line.
session_members() {
  local file line state session
  for file in /proc/[0-9]*/stat; do
    { IFS= read -r line <"$file"; } 2>/dev/null || continue # it has just ended
    # Behind the name, which may hold anything, in parentheses: state, parent, process group, session.
    read -r state _ _ session _ <<<"${line##*) }"
    if [[ $session == "$1" && $state != Z ]]; then
      echo "${line%% *}"
    fi
  done
}

# Sets service_user: who serves. Empty: whoever started us.
choose_user() {
  service_user=
  ((EUID == 0)) || return 0
  local name
  for name in cyrus pillarbox; do
    if getent passwd "$name" >/dev/null; then
      (($(id -u "$name") != 0)) || die "user $name is root by another name: not running services as that"
      service_user=$name
      break
    fi
  done
  if [[ -z $service_user ]]; then
    service_user=pillarbox
    say "Making the system user $service_user, without login"
    local group=(--user-group)
    ! getent group "$service_user" >/dev/null || group=(--gid "$service_user")
    useradd --system "${group[@]}" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$service_user"
  fi
  say "Started as root: the service runs as user $service_user"
}

# as_service COMMAND...: runs it as the user that serves.
as_service() {
  if [[ -z $service_user ]]; then
    "$@"
  else
    setpriv --reuid="$(id -u "$service_user")" --regid="$(id -g "$service_user")" --clear-groups -- "$@"
  fi
}

# Sets programs (where master and the services are run from), pillarbox (the administrator's command) and var (store and
# configuration). All are below the checkout unless the user that serves cannot get there, as below a /root of mode 700:
# then they live in /var/lib/pillarbox-run.
choose_places() {
  programs=$PWD/build/stage/libexec/pillarbox
  pillarbox=$PWD/build/stage/bin/pillarbox
  var=$(realpath --canonicalize-missing "${PILLARBOX_VAR:-$PWD/var}")
  local refuge
  refuge=/var/lib/pillarbox-run/$(printf '%s' "$PWD" | sha256sum | cut -c 1-12)
  if ! as_service test -r "$programs/pop3d" -a -x "$programs/pop3d"; then
    [[ -n $service_user ]] || die "cannot run $programs/pop3d"
    say "User $service_user cannot reach $PWD: the programs are run from $refuge/programs"
    install -d -m 755 /var/lib/pillarbox-run "$refuge" "$refuge/programs"
    install -m 755 build/stage/libexec/pillarbox/{master,pop3d,lmtpd} build/stage/bin/pillarbox "$refuge/programs"
    ln -f "$refuge/programs/pop3d" "$refuge/programs/pop3proxyd"
    programs=$refuge/programs
    pillarbox=$programs/pillarbox
  fi
  # The nearest folder above var that exists decides whether var can be reached.
  local above=$var
  until [[ -d $above ]]; do above=$(dirname "$above"); done
  if ! as_service test -x "$above"; then
    [[ -z ${PILLARBOX_VAR-} && ! -e $var ]] ||
      die "user $service_user, who serves, cannot reach $above: choose another PILLARBOX_VAR"
    say "User $service_user cannot reach $PWD: store and configuration are in $refuge/var"
    install -d -m 755 /var/lib/pillarbox-run "$refuge"
    var=$refuge/var
  fi
  check_folder "PILLARBOX_VAR (from where the checkout is)" "$var"
}

# remove_playground VAR: removes what make_playground made, and nothing else.
remove_playground() {
  local var=$1
  [[ -e $var || -L $var ]] || return 0
  [[ -d $var && ! -L $var && -f $var/$MARKER ]] || die "--fresh: $var was not made by ./run (no $MARKER in it): not removing it"
  flock --nonblock "$var/$MARKER" true || die "--fresh: another ./run is serving $var"
  say "Removing $var"
  rm -rf --one-file-system -- "$var"
}

# make_playground VAR: makes the folder on the first start; on later ones only checks it. Made under another name and
# moved into place when whole, so that an interrupted first start leaves nothing half-made behind.
make_playground() {
  local var=$1 owner=${service_user:-$(id -un)}
  if [[ -f $var/$MARKER ]]; then
    local made_for made_at
    { read -r made_for && read -r made_at; } <"$var/$MARKER" || die "$var/$MARKER is damaged: ./run --fresh starts over"
    [[ $made_for == "$owner" ]] ||
      die "$var was made for user $made_for, not $owner: start as before, use ./run --fresh, or set PILLARBOX_VAR"
    [[ $made_at == "$var" ]] || die "$var was made as $made_at and names that in its files: move it back, or use ./run --fresh"
    say "Keeping the data in $var"
    return 0
  fi
  if [[ -e $var ]]; then
    rmdir -- "$var" 2>/dev/null || die "$var is there already and was not made by ./run: set PILLARBOX_VAR to another folder"
  fi
  say "Making $var: store, users, certificate"
  local new=$var.new
  [[ ! -e $new || -f $new/$MARKER ]] || die "$new is in the way"
  rm -rf --one-file-system -- "$new"
  (umask 022 && mkdir -p -- "$(dirname "$var")" && mkdir -- "$new" && printf '%s\n%s\n' "$owner" "$var" >"$new/$MARKER")

  mkdir -p "$new"/conf/{socket,proc,lock,log,msg} "$new/spool" "$new/tls"
  : >"$new/$UNFINISHED"

  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$SERVER_NAME" \
    -addext "subjectAltName=DNS:$SERVER_NAME,DNS:localhost,IP:127.0.0.1,IP:::1" \
    -keyout "$new/tls/key.pem" -out "$new/tls/cert.pem" 2>"$new/openssl.log" || {
    cat "$new/openssl.log" >&2
    die "openssl could not make a certificate"
  }
  rm -f "$new/openssl.log"
  chmod 600 "$new/tls/key.pem"

  write_imapd_conf "$new/imapd.conf" "$var"
  chmod 644 "$new/imapd.conf"
  chmod 755 "$new/tls"
  chmod 644 "$new/tls/cert.pem"
  chmod 750 "$new/conf" "$new/spool"
  if [[ -n $service_user ]]; then
    chown -R "$service_user:$(id -gn "$service_user")" "$new/conf" "$new/spool" "$new/tls"
  fi
  mv -T -- "$new" "$var"
}

# make_users VAR: an empty store, and alice and bob with a password; their INBOXes come with their first mail.
make_users() {
  local var=$1 user
  as_service "$pillarbox" -C "$var/imapd.conf" store create >/dev/null || die "could not make the store"
  for user in alice bob; do
    as_service "$pillarbox" -C "$var/imapd.conf" user list | grep -qx "$user" ||
      printf '%s\n' "$PASSWORD" | as_service "$pillarbox" -C "$var/imapd.conf" user add "$user" ||
      die "could not add the user $user"
  done
}

# deliver_first_mail ADDRESS: what alice and bob find, by way of lmtpd. Once more does no harm: it knows the Message-IDs.
deliver_first_mail() {
  local user
  for user in alice bob; do
    lmtp_deliver "$1" "$user" <<TEXT || die "lmtpd at $1 did not take the first mail for $user"
From: Pillarbox <postmaster@$SERVER_NAME>
To: $user@$SERVER_NAME
Subject: Welcome, $user
Date: $(date --rfc-email)
Message-ID: <welcome.$user@$SERVER_NAME>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

This message came in by LMTP and lies in $user's INBOX, in the format of Cyrus. POP3 takes it out.
TEXT
  done
  lmtp_deliver "$1" alice <<TEXT || die "lmtpd at $1 did not take the second mail for alice"
From: Bob <bob@$SERVER_NAME>
To: alice@$SERVER_NAME
Subject: Lunch?
Date: $(date --rfc-email)
Message-ID: <lunch@$SERVER_NAME>

At noon, by the pillar box.
.. and a line that begins with dots.
TEXT
}

# write_imapd_conf FILE VAR: what an administrator would write.
write_imapd_conf() {
  local file=$1 var=$2
  cat >"$file" <<TEXT
# imapd.conf(5) of the store in this folder. Written once by ./run; change it as you like and start again.

# Where things are.
configdirectory: $var/conf
defaultpartition: default
partition-default: $var/spool

# A user whom the password database knows gets an INBOX, without a limit, at the first login or delivery.
autocreate_quota: 0
autocreate_post: yes
lmtp_autocreate_known_users: yes

# What is deleted goes at once: no cyr_expire of Cyrus runs here, which would clear up later.
expunge_mode: immediate
delete_mode: immediate

# Our name, in the greeting and as the realm of the password database. Fixed, so that the passwords outlive the machine's name.
servername: $SERVER_NAME
admins: cyrus

# Logging in: passwords from a database file, and only under TLS.
#   another user: pillarbox -C $var/imapd.conf user add NAME
allowplaintext: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $var/conf/sasldb2
sasl_mech_list: PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256

# Self-signed: clients must be told to accept it.
tls_server_cert: $var/tls/cert.pem
tls_server_key: $var/tls/key.pem
TEXT
  if [[ -n $service_user ]]; then
    cat >>"$file" <<TEXT

# master starts as root and becomes this user when the ports are bound.
cyrus_user: $service_user
TEXT
  fi
}

# write_cyrus_conf VAR POP3 POP3S LMTP: written at each start, because the addresses may be others.
write_cyrus_conf() {
  local var=$1 pop3=$2 pop3s=$3 lmtp=$4
  cat >"$var/cyrus.conf" <<TEXT
# cyrus.conf(5). Written by ./run at each start; the addresses come from PILLARBOX_POP3, PILLARBOX_POP3S, PILLARBOX_LMTP.

SERVICES {
  # Programs are looked for next to master. One process serves many sessions; maxchild bounds the processes.
  pop3      cmd="pop3d -C $var/imapd.conf" listen="$pop3" prefork=1 maxchild=4
  pop3s     cmd="pop3d -C $var/imapd.conf -s" listen="$pop3s" prefork=1 maxchild=4

  # For the mail server on this machine. -a takes mail from whoever may connect: keep this port on the loopback.
  lmtp      cmd="lmtpd -C $var/imapd.conf -a" listen="$lmtp" prefork=0 maxchild=4
  lmtpunix  cmd="lmtpd -C $var/imapd.conf" listen="$var/conf/socket/lmtp" prefork=0 maxchild=4
}
TEXT
  chmod 644 "$var/cyrus.conf"
}
