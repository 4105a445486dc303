# make test-image      builds the image of an emulated pedal and boots it: virt (most of it) and raspi3b (its own card)
#
# Debian's packages are kept in build/image/cache. What needs Raspberry Pi's own archive is not tried: see docs/image.md.

IMAGE := build/image
IMAGE_PACKAGES := arch-test bmap-tools cpio dosfstools e2fsprogs fdisk ipxe-qemu kmod mmdebstrap mtools openssh-client \
  qemu-system-arm qemu-user-static qemu-utils squashfs-tools uidmap zstd
IMAGE_ENVIRONMENT = env XDG_CONFIG_HOME=$(CURDIR)/tests/image/profiles

.PHONY: test-image

test-image: $(IMAGE)/pedal.img $(VENV)/.tested-with
	@echo "== booting it"
	@$(IMAGE_ENVIRONMENT) NAMPEDAL_IMAGE=$(CURDIR)/$(IMAGE)/pedal.img $(BIN)/pytest tests/image

$(IMAGE)/.system:
	@mkdir -p $(IMAGE)
	@$(call install_packages,$(IMAGE_PACKAGES))
	@touch $@

$(IMAGE)/pedal.img: $(CROSS)/.wheel $(wildcard tests/image/profiles/*/*/*.toml) $(VENV)/.built | $(IMAGE)/.system
	@echo "== building the image of an emulated pedal"
	@$(IMAGE_ENVIRONMENT) $(BIN)/nampedal image build --pedal virtual --base debian --cache $(IMAGE)/cache --force -o $@
