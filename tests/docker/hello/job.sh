/bin/busybox echo "built on $(/bin/busybox cat /built-on), runs on $(/bin/busybox uname -m)"
/bin/busybox echo "as user $(/bin/busybox id -u), with ${JOB_PARAMETERS}"
case "${JOB_PARAMETERS}" in *Rip*) /bin/busybox sleep 600 ;; esac
