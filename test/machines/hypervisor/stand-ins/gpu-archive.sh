# On a machine of the tests: makes what no card and no registry gives here. Signed package archives below /srv/archive, a
# card on the PCI bus, and no i915 of the kernel's own. The packages have the names, versions and relations of the real
# ones, and bring real kernel modules, which the real DKMS installs; only what the modules do is left out. They are compiled
# once, here, because that takes a minute in software emulation: what DKMS calls to build one copies it.
# DROPPED: a branch that is an empty package by now.

ARCHIVE=/srv/archive
work=$(mktemp -d)
tree=$work/tree
export GNUPGHOME=$work/gnupg
mkdir -m 0700 "$GNUPGHOME"

# deb ARCHIVE NAME VERSION [FIELD...]: a package of what lies in $tree.
deb() {
  local folder=$ARCHIVE/$1 name=$2 version=$3
  shift 3
  mkdir -p "$tree/DEBIAN" "$folder"
  {
    printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: tests\n' "$name" "$version"
    [ $# -eq 0 ] || printf '%s\n' "$@"
    echo 'Description: NVIDIA or Intel, stand-in'
  } >"$tree/DEBIAN/control"
  dpkg-deb --build -Znone --root-owner-group "$tree" "$folder/${name}_$version.deb" >/dev/null
  rm -rf "$tree"
}

# source_of NAME VERSION <C: of a kernel module.
source_of() {
  local folder=$ARCHIVE/modules/$2
  mkdir -p "$folder"
  cat >"$folder/$1.c"
  echo "obj-m := $1.o" >"$folder/Makefile"
}

# module NAME VERSION: the module into $tree, built by DKMS when the package is installed, as Ubuntu's packages do it.
module() {
  local source=$tree/usr/src/$1-$2
  mkdir -p "$source" "$tree/DEBIAN"
  cp "$ARCHIVE/modules/$2/$1.ko" "$source/built"
  cat >"$source/dkms.conf" <<END
PACKAGE_NAME=$1
PACKAGE_VERSION=$2
BUILT_MODULE_NAME[0]=$1
DEST_MODULE_LOCATION[0]=/updates/dkms
MAKE[0]="cp built $1.ko"
CLEAN=true
AUTOINSTALL=yes
END
  # shellcheck disable=SC2016  # expanded when the package is installed
  printf '#!/bin/sh\nset -e\n/usr/lib/dkms/common.postinst %s %s "" amd64 "$2"\n' "$1" "$2" >"$tree/DEBIAN/postinst"
  printf '#!/bin/sh\ndkms remove -m %s -v %s --all || true\n' "$1" "$2" >"$tree/DEBIAN/prerm"
  chmod 0755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm"
}

# driver BRANCH VERSION
driver() {
  local upstream=${2%%-*}
  module nvidia "$upstream"
  deb ubuntu "nvidia-dkms-$1-server" "$2" 'Depends: dkms' 'Provides: nvidia-dkms-kernel' \
    'Conflicts: nvidia-dkms-kernel' 'Replaces: nvidia-dkms-kernel'
  deb ubuntu "nvidia-headless-$1-server" "$2" "Depends: nvidia-dkms-$1-server (= $2)"
  mkdir -p "$tree/usr/bin"
  # What it says when module and library differ, and when there is no module, is what the real one says.
  cat >"$tree/usr/bin/nvidia-smi" <<END
#!/bin/sh
loaded=\$(cat /sys/module/nvidia/version 2>/dev/null) ||
  { echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9; }
[ "\$loaded" = $upstream ] || { echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18; }
case \$1 in --list-gpus) echo 'GPU 0: Tesla T4 (UUID: GPU-stand-in)' ;; esac
END
  chmod 0755 "$tree/usr/bin/nvidia-smi"
  deb ubuntu "nvidia-utils-$1-server" "$2" 'Provides: nvidia-utils' 'Conflicts: nvidia-utils' 'Replaces: nvidia-utils'
  deb ubuntu "libnvidia-encode-$1-server" "$2" 'Provides: libnvidia-encode' 'Conflicts: libnvidia-encode'
}

# toolkit VERSION
toolkit() {
  mkdir -p "$tree/usr/bin"
  printf '#!/bin/sh\n' >"$tree/usr/bin/nvidia-container-runtime"
  chmod 0755 "$tree/usr/bin/nvidia-container-runtime"
  deb toolkit nvidia-container-toolkit-base "$1"
  deb toolkit libnvidia-container1 "$1"
  deb toolkit libnvidia-container-tools "$1" "Depends: libnvidia-container1 (>= $1)"
  deb toolkit nvidia-container-toolkit "$1" "Depends: libnvidia-container-tools (>= $1), nvidia-container-toolkit-base (= $1)"
}

# release ARCHIVE: its lists, signed.
release() {
  (
    cd "$ARCHIVE/$1" || exit
    dpkg-scanpackages --multiversion . >Packages 2>/dev/null
    {
      printf 'Origin: tests\nDate: %s\nSHA256:\n' "$(date -R -u)"
      printf ' %s %s Packages\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"
    } >Release
    gpg --batch --quiet --clearsign --output InRelease Release
  )
}

# Drivers that no such machine has: DKMS has all modules' relations computed anew each time, which takes a minute of them.
(
  cd "/lib/modules/$(uname -r)/kernel" || exit
  rm -rf sound drivers/{media,infiniband,staging,usb,iio,hwmon,scsi,input,mtd} drivers/net/{ethernet,wireless,usb,can,wan,phy,dsa}
)
rm -f "/lib/modules/$(uname -r)/kernel/drivers/gpu/drm/i915/i915.ko"
depmod

source_of nvidia 570.172.08 <<'END'
#include <linux/module.h>
MODULE_LICENSE("GPL");
MODULE_VERSION("570.172.08");
END
source_of i915 1.0 <<'END'
#include <linux/module.h>
#include <linux/platform_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
DEFINE_DRM_GEM_FOPS(files);
static const struct drm_driver gpu = { .driver_features = DRIVER_GEM | DRIVER_RENDER, .fops = &files,
  .name = "i915", .desc = "stand-in", .date = "20260101", .major = 1 };
static int probe(struct platform_device *device)
{
  struct drm_device *drm = drm_dev_alloc(&gpu, &device->dev);
  return IS_ERR(drm) ? PTR_ERR(drm) : drm_dev_register(drm, 0);
}
static struct platform_driver driver = { .driver = { .name = "i915" } };
static int __init start(void)
{
  return PTR_ERR_OR_ZERO(platform_create_bundle(&driver, probe, NULL, 0, NULL, 0));
}
module_init(start);
MODULE_LICENSE("GPL");
END
echo 'obj-m := 570.172.08/ 1.0/' >"$ARCHIVE/modules/Makefile"
make -s -C "/lib/modules/$(uname -r)/build" M="$ARCHIVE/modules" modules
# Another version of as many letters, which spares a second compilation.
mkdir "$ARCHIVE/modules/580.105.08"
sed 's/570\.172\.08/580.105.08/g' "$ARCHIVE/modules/570.172.08/nvidia.ko" >"$ARCHIVE/modules/580.105.08/nvidia.ko"

driver 570 570.172.08-0ubuntu0.22.04.1
driver 580 580.105.08-0ubuntu0.22.04.2
# What Ubuntu makes of a branch that it drops.
for name in nvidia-headless nvidia-utils libnvidia-encode; do
  deb ubuntu "$name-$DROPPED-server" 580.105.08-0ubuntu0.22.04.2 "Depends: $name-580-server"
done
toolkit 1.17.8-1
toolkit 1.18.0-1
deb ubuntu linux-firmware 20220329
module i915 1.0
deb ubuntu "linux-modules-extra-$(uname -r)" 1.0 'Depends: dkms'
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key tests ed25519 sign never
gpg --batch --quiet --armor --export tests >"$ARCHIVE/key.asc"
release ubuntu
release toolkit
rm -rf "$work"
chmod -R a+rX "$ARCHIVE"

# These archives alone: nothing else is needed, and Debian's lists take a minute to read in software emulation.
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo "deb [signed-by=$ARCHIVE/key.asc] file:$ARCHIVE/ubuntu ./" >/etc/apt/sources.list.d/stand-in.list

# A device of the vendor, at each boot.
echo 0x10de >"$ARCHIVE/vendor"
cat >/etc/systemd/system/stand-in-card.service <<END
[Unit]
Before=ssh.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'mount --bind $ARCHIVE/vendor "\$(readlink -f /sys/bus/pci/devices/0000:00:00.0)/vendor"'
[Install]
WantedBy=multi-user.target
END
systemctl enable --quiet --now stand-in-card.service
