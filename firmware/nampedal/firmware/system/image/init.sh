#!/bin/busybox sh
# The init of the initramfs. Finds the card that cmdline.txt names, grows its last partition to the end of the card,
# writes /run/fstab, and starts the root file system's init.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755,nosuid,nodev run /run

give_up() {
  echo "nampedal: $*"
  sleep 10
  reboot -f
}

while read -r module; do
  insmod "$module" || echo "nampedal: $module can't be loaded"
done < /modules/order

root=
for word in $(cat /proc/cmdline); do
  case $word in
    root=PARTUUID=*) root=${word#root=PARTUUID=} ;;
  esac
done
[ -n "$root" ] || give_up "cmdline.txt has no root=PARTUUID="
id=${root%-*}
number=$((0x${root#*-}))

# Print the disk whose master boot record has this disk id, with the "p" that some names need before a partition.
find_disk() {
  for sys in /sys/block/*; do
    name=${sys##*/}
    case $name in loop* | ram* | zram*) continue ;; esac
    found=$(dd if="/dev/$name" bs=1 skip=440 count=4 2>/dev/null | hexdump -e '1/4 "%08x"')
    if [ "$found" = "$id" ]; then
      case $name in *[0-9]) echo "${name}p" ;; *) echo "$name" ;; esac
      return
    fi
  done
}

tries=0
while disk=$(find_disk); [ -z "$disk" ] || [ ! -b "/dev/$disk$number" ]; do
  tries=$((tries + 1))
  [ $tries -lt 150 ] || give_up "no card with partition $root"
  sleep 0.2
done
whole=${disk%p}
[ -e "/sys/block/$whole" ] || whole=$disk

# Only one sector changes, and a sector is written atomically, so a power loss here does no harm. The partition table
# can hold 2^32 sectors at most.
start=$(cat "/sys/block/$whole/${disk}4/start")
have=$(cat "/sys/block/$whole/${disk}4/size")
all=$(cat "/sys/block/$whole/size")
[ "$all" -le 4294967295 ] || all=4294967295
most=$(((all - start) / 2048 * 2048))
if [ "$most" -gt "$have" ]; then
  bytes=$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((most & 255)) $((most >> 8 & 255)) $((most >> 16 & 255)) $((most >> 24)))
  printf "$bytes" | dd of="/dev/$whole" bs=1 seek=506 conv=notrunc,fsync 2>/dev/null
  blockdev --rereadpt "/dev/$whole"
  echo "nampedal: the data partition grows from $((have / 2048)) to $((most / 2048)) MiB"
  until [ -b "/dev/${disk}4" ]; do sleep 0.1; done
fi

cat > /run/fstab << END
/dev/${disk}1 /boot/firmware vfat ro,noatime,umask=022,nofail,x-systemd.device-timeout=60s 0 0
/dev/${disk}4 /var/lib/nampedal ext4 rw,noatime,commit=5,nofail,x-systemd.growfs,x-systemd.device-timeout=60s 0 2
tmpfs /tmp tmpfs mode=1777,nosuid,nodev,size=64m 0 0
tmpfs /var/tmp tmpfs mode=1777,nosuid,nodev,size=16m 0 0
tmpfs /var/log tmpfs mode=755,nosuid,nodev,size=16m 0 0
tmpfs /var/cache tmpfs mode=755,nosuid,nodev,size=16m 0 0
tmpfs /var/lib/systemd tmpfs mode=755,nosuid,nodev,size=8m 0 0
END

# The pedal's start waits up to 60 s for these devices. A device that systemd sees later is mounted then: when a device
# appears and no job waits for it, systemd starts the units in the device's .wants folder (systemd, src/core/unit.c,
# retroactively_start_dependencies).
for mount in 1:boot-firmware 4:var-lib-nampedal; do
  wants=/run/systemd/system/dev-$disk${mount%:*}.device.wants
  mkdir -p "$wants"
  ln -s "/run/systemd/generator/${mount#*:}.mount" "$wants/"
done

mount -t squashfs -o ro "/dev/$disk$number" /root || give_up "/dev/$disk$number holds no root"
for folder in dev run; do mount --move /$folder /root/$folder; done
umount /sys /proc
exec switch_root /root /sbin/init
