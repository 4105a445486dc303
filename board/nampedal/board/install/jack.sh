#!/bin/sh
# Start jackd on the pedal's sound card: nampedal-jack.service runs this.
#
# Of pedal.env: NAMPEDAL_JACK, jackd's arguments; NAMPEDAL_USB, which USB interface is the card: "any", or
# VENDOR:PRODUCT; empty for a HAT, whose card NAMPEDAL_JACK names.
#
# A USB interface is looked for by what stays the same, because its number and its id change. jackd is killed when the
# interface is unplugged, and systemd runs this again. jackd does not end by itself: its audio thread stops at "device
# disconnected" and its process waits on (jackaudio/jack2 at v1.9.21: POLLNVAL in linux/alsa/alsa_driver.c,
# ThreadHandler in posix/JackPosixThread.cpp).

mixer=/usr/local/lib/nampedal/mixer
# Seconds between two looks.
every=0.5

say() {
    echo "$*" >&2
}

# Print "USBID PORT NUMBER ID" for each interface that can be played: first by USBID, then by PORT, so that the order is
# the same at every start. The kernel keeps USBID, as 1235:8210, in the card's folder for cards of USB only
# (torvalds/linux, sound/usb/proc.c at 015eb0b), and removes that folder as soon as the plug is pulled
# (raspberrypi/linux, snd_card_disconnect in sound/core/init.c at 00a1edb).
interfaces() {
    for card in /proc/asound/card[0-9]*; do
        read -r usbid 2>/dev/null <"$card/usbid" || continue
        [ "$NAMPEDAL_USB" = any ] || [ "$NAMPEDAL_USB" = "$usbid" ] || continue
        # jackd opens device 0 of a card to record and to play: not a webcam, a keyboard, a loudspeaker.
        [ -d "$card/pcm0c" ] && [ -d "$card/pcm0p" ] || continue
        number=${card##*card}
        # udev gives devices to the group audio some time after the kernel made them.
        for device in "pcmC${number}D0c" "pcmC${number}D0p" "controlC$number"; do
            [ -w "/dev/snd/$device" ] || continue 2
        done
        port=$(readlink -f "/sys/class/sound/card$number/device") || port=
        read -r id 2>/dev/null <"$card/id" || continue
        echo "$usbid ${port##*/}- $number $id"
    done | LC_ALL=C sort
}

# Kill jackd, which this script has become by then, when the interface is gone or is another one: DEVICE of USBBUS is a
# new number after each plugging.
watch() {
    while read -r now 2>/dev/null <"/proc/asound/card$1/usbbus" && [ "$now" = "$2" ]; do
        sleep "$every"
    done
    say "the USB audio interface is unplugged: jackd is ended, and started again when it is back"
    kill -KILL "$$"
}

if [ -z "$NAMPEDAL_USB" ]; then
    "$mixer"
    # The arguments are words without blanks of their own.
    # shellcheck disable=SC2086
    exec jackd $NAMPEDAL_JACK
fi

told=
found=$(interfaces)
while [ -z "$found" ]; do
    [ -n "$told" ] || say "no USB audio interface with input and output is plugged in ($NAMPEDAL_USB): waiting for it"
    told=yes
    sleep "$every"
    found=$(interfaces)
done

# Four words for each interface.
# shellcheck disable=SC2086
set -- $found
count=$(($# / 4))
usbid=$1 port=${2%-} number=$3 id=$4
if [ "$count" -gt 1 ]; then
    say "$count USB audio interfaces are plugged in ($NAMPEDAL_USB): the first by id and port is used;" \
        "to choose another, name its vendor and product as usb = {...} in the profile of the HAT"
fi
say "using the USB audio interface $usbid in port $port: card $number, $id"
read -r bus 2>/dev/null <"/proc/asound/card$number/usbbus" || exit 1
NAMPEDAL_CARD=$id "$mixer"
watch "$number" "$bus" &
# shellcheck disable=SC2086
exec jackd $NAMPEDAL_JACK -d "hw:$id"
