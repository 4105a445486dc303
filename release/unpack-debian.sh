#!/bin/sh
# Unpacks packages of a Debian release, and what they depend on, into a folder. Installs nothing, and needs no root.
#
#     release/unpack-debian.sh SUITE FOLDER PACKAGE:ARCHITECTURE...
#
# The packages come from DEBIAN_MIRROR, with apt's settings of this computer (proxy, certificates). FOLDER/packages.txt
# lists them with their versions.
set -eu
suite=$1 folder=$2
shift 2
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
top=$(realpath "$folder")/apt
: >"$top/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${DEBIAN_MIRROR:-http://deb.debian.org/debian} $suite main" >"$top/sources.list"
cat >"$top/apt.conf" <<END
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures { "amd64"; "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
Dir::Etc::SourceList "$top/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$top/lists";
Dir::State::Status "$top/status";
Dir::Cache::Archives "$top/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
export APT_CONFIG="$top/apt.conf"
apt-get -qq update
apt-get -qq -y --download-only install "$@" >/dev/null
for package in "$top"/archives/*.deb; do
  dpkg-deb -x "$package" "$folder"
  dpkg-deb -W --showformat='${Package}:${Architecture} ${Version}\n' "$package"
done >"$folder/packages.txt"
rm -r "$top"
# Links to places in the root lead there, and not into this computer's.
find "$folder" -type l -lname '/*' | while read -r link; do
  ln -sfnr "$folder$(readlink "$link")" "$link"
done
