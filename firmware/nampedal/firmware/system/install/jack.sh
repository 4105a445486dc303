#!/bin/sh
# Start jackd on the pedal's sound card: nampedal-jack.service runs this.
#
# Variables from pedal.env:
#   NAMPEDAL_JACK  arguments of jackd
#   NAMPEDAL_USB   the USB interface to use: "any", or VENDOR:PRODUCT; empty for a HAT
#   NAMPEDAL_CARD  the sound card of the HAT, which NAMPEDAL_JACK names as well; empty for a USB interface
#
# If the card is not there, this script waits for it: a service that fails and is started again each time would use more
# CPU time, and would play later.
#
# A USB interface is identified by its vendor, product and port, because its card number and its id change. When it is
# unplugged, jackd is killed, and systemd runs this script again. jackd would not end by itself: its audio thread stops
# at "device disconnected", and its process stays (jackaudio/jack2 at v1.9.21: POLLNVAL in linux/alsa/alsa_driver.c,
# ThreadHandler in posix/JackPosixThread.cpp).

mixer=/usr/local/lib/nampedal/mixer
# Seconds between two checks.
every=0.25
told=

say() {
    echo "$*" >&2
}

# Print "USBID PORT NUMBER ID" for each interface that can play and record, sorted by USBID, then by PORT, so that the
# order is the same at every start. The kernel shows USBID, such as 1235:8210, in the card's folder for USB cards only
# (torvalds/linux, sound/usb/proc.c at 015eb0b), and removes that folder as soon as the card is unplugged
# (raspberrypi/linux, snd_card_disconnect in sound/core/init.c at 00a1edb).
interfaces() {
    for card in /proc/asound/card[0-9]*; do
        read -r usbid 2>/dev/null <"$card/usbid" || continue
        [ "$NAMPEDAL_USB" = any ] || [ "$NAMPEDAL_USB" = "$usbid" ] || continue
        # jackd opens device 0 of a card to record and to play; webcams, keyboards and loudspeakers lack one of the two.
        [ -d "$card/pcm0c" ] && [ -d "$card/pcm0p" ] || continue
        number=${card##*card}
        # udev gives the devices to the group audio only some time after the kernel made them.
        for device in "pcmC${number}D0c" "pcmC${number}D0p" "controlC$number"; do
            [ -w "/dev/snd/$device" ] || continue 2
        done
        port=$(readlink -f "/sys/class/sound/card$number/device") || port=
        read -r id 2>/dev/null <"$card/id" || continue
        echo "$usbid ${port##*/}- $number $id"
    done | LC_ALL=C sort
}

# Kill jackd when the interface is gone or is another one: the device number in usbbus changes at each plugging. By then
# `exec` below has replaced this script by jackd, so $$ is jackd's process id.
watch() {
    while read -r now 2>/dev/null <"/proc/asound/card$1/usbbus" && [ "$now" = "$2" ]; do
        sleep "$every"
    done
    say "the USB audio interface is unplugged: jackd is ended, and started again when it is back"
    kill -KILL "$$"
}

if [ -z "$NAMPEDAL_USB" ]; then
    # The kernel makes a link with the card's id in /proc/asound (torvalds/linux, snd_info_card_register in
    # sound/core/info.c at 027a9fe).
    while [ -n "$NAMPEDAL_CARD" ] && [ ! -e "/proc/asound/$NAMPEDAL_CARD" ]; do
        [ -n "$told" ] || say "the sound card $NAMPEDAL_CARD is not there: waiting for it"
        told=yes
        sleep "$every"
    done
    "$mixer"
    # Unquoted: none of the arguments contains blanks.
    # shellcheck disable=SC2086
    exec jackd $NAMPEDAL_JACK
fi

found=$(interfaces)
while [ -z "$found" ]; do
    [ -n "$told" ] || say "no USB audio interface with input and output is plugged in ($NAMPEDAL_USB): waiting for it"
    told=yes
    sleep "$every"
    found=$(interfaces)
done

# Unquoted: four words for each interface.
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
