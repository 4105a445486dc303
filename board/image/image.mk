# make test-image      builds the images of two emulated pedals and boots them: one that plays through a loopback, on virt
#                      (most of it) and raspi3b (its own card), and one with a USB interface, on virt
#
# Debian's packages are kept in build/image/cache. What needs Raspberry Pi's own archive is not tried: see docs/image.md.

IMAGE := build/image
IMAGE_PACKAGES := arch-test bmap-tools cpio dosfstools e2fsprogs fdisk ipxe-qemu kmod mmdebstrap mtools openssh-client \
  qemu-system-arm qemu-user-static qemu-utils squashfs-tools uidmap zstd
IMAGE_ENVIRONMENT = env XDG_CONFIG_HOME=$(CURDIR)/tests/image/profiles

.PHONY: test-image

test-image: $(IMAGE)/pedal.img $(IMAGE)/usb.img $(VENV)/.tested-with
	@echo "== booting them"
	@$(IMAGE_ENVIRONMENT) NAMPEDAL_IMAGE=$(CURDIR)/$(IMAGE)/pedal.img NAMPEDAL_USB_IMAGE=$(CURDIR)/$(IMAGE)/usb.img \
	  $(BIN)/pytest tests/image

$(IMAGE)/.system:
	@mkdir -p $(IMAGE)
	@$(call install_packages,$(IMAGE_PACKAGES))
	@touch $@

# Signs the images, and the wheels that they are updated with.
$(IMAGE)/signing-key: | $(IMAGE)/.system
	@ssh-keygen -q -t ed25519 -N '' -C test@nampedal -f $@

$(IMAGE)/pedal.img: PEDAL = virtual --radio
$(IMAGE)/usb.img: PEDAL = virtual-usb
$(IMAGE)/pedal.img $(IMAGE)/usb.img: $(IMAGE)/signing-key $(CROSS)/.wheel $(wildcard tests/image/profiles/*/*/*.toml) $(VENV)/.built | $(IMAGE)/.system
	@echo "== building the image of the emulated pedal $(firstword $(PEDAL))"
	@$(IMAGE_ENVIRONMENT) $(BIN)/nampedal image build --pedal $(PEDAL) --base debian --cache $(IMAGE)/cache \
	  --sign $(IMAGE)/signing-key --force -o $@
