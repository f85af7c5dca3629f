# Runs /job/cmd on a terminal (tmux) in the guest and follows /job/steps:
#   wait SECONDS          sleep
#   keys KEY...           tmux send-keys names: q Enter Up C-c F5 ...
#   type TEXT             literal text
#   patience SECONDS      from here on "until" and "gone" wait so long (30)
#   until TEXT            wait (up to 30 s) till TEXT is on the screen, else it ends here
#   gone TEXT             wait (up to 30 s) till TEXT is no longer on the screen, likewise
#   shot NAME             screen to /out/shots/NAME.txt and, with colours, NAME.ansi
#   resize COLSxROWS      new terminal size
#   sh COMMAND            a shell command in the guest (change a pool mid-run)
#   end [SECONDS]         wait till the program has exited (30 s)
cols=${TTY%x*} rows=${TTY#*x}
mkdir -p /out/shots
export SHELL=/bin/sh
T="tmux -u -f /job/tmux.conf"
cat >/job/tmux.conf <<'E'
set -g default-terminal "tmux-256color"
set -ga terminal-overrides ",*:Tc"
set -g status off
set -g remain-on-exit on
set -g escape-time 0
E
$T new-session -d -s job -x "$cols" -y "$rows" \
  'trap : INT QUIT; sh /job/cmd 2>/out/stderr; echo $? >/out/rc.new; mv /out/rc.new /out/rc; read -r _'
screen() { $T capture-pane -p -t job; }
log() { echo "@@ tty $*"; }
patience=30
while IFS= read -r line <&3 || [ -n "$line" ]; do
  op=${line%% *} arg=${line#"$op"}; arg=${arg# }
  case $op in
    ''|'#'*) ;;
    patience) patience=$arg ;;
    wait) sleep "$arg" ;;
    keys) $T send-keys -t job $arg ;;
    type) $T send-keys -t job -l -- "$arg" ;;
    until|gone)
      n=0; ok=0
      while [ $n -lt $((patience * 4)) ]; do
        if screen | grep -qF -- "$arg"; then f=1; else f=0; fi
        if [ $op = until ] && [ $f = 1 ]; then ok=1; break; fi
        if [ $op = gone ] && [ $f = 0 ]; then ok=1; break; fi
        [ -e /out/rc ] && break
        n=$((n + 1)); sleep 0.25
      done
      # What follows would only wait in vain.
      [ $ok = 1 ] || { log "step failed: $line"; echo "$line" >>/out/steps-failed; break; } ;;
    shot) screen >"/out/shots/$arg.txt"; $T capture-pane -p -e -t job >"/out/shots/$arg.ansi" ;;
    resize) $T resize-window -t job -x "${arg%x*}" -y "${arg#*x}" ;;
    sh) sh -c "$arg" >>/out/steps.log 2>&1 ;;
    end)
      n=0; while [ ! -e /out/rc ] && [ $n -lt $((${arg:-30} * 4)) ]; do n=$((n + 1)); sleep 0.25; done
      [ -e /out/rc ] || { log "step failed: $line"; echo "$line" >>/out/steps-failed; } ;;
    *) log "unknown step: $line"; echo "$line" >>/out/steps-failed ;;
  esac
done 3</job/steps
[ -e /out/rc ] || { screen >/out/shots/last.txt; echo running >/out/rc; }
$T kill-server 2>/dev/null
