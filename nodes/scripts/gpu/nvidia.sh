# NVIDIA driver of one branch and the container toolkit; then the proof that the card answers.

grep -q 0x10de /sys/bus/pci/devices/*/vendor 2>/dev/null ||
  fail "this machine has no NVIDIA device on its PCI bus. Look: lspci -d 10de:; correct machines.<name>.gpu"

# branch_is_gone PACKAGE
branch_is_gone() {
  local offered
  offered=$(apt-cache madison "$1" | awk -F'|' '{ print $2 }' | xargs || true)
  fail "the package archive has no $1 of branch $BRANCH; it offers: ${offered:-nothing}.
A version of another branch is an empty package that pulls in that branch, because Ubuntu has dropped $BRANCH.
Branches that it has: $(available_branches). Fix: set machines.<name>.gpu.driverBranch to one of them"
}

repair_dpkg
download "$KEY_URL" "$KEY_SHA256" "$KEY_FILE" 0644
install_files
if changed "$NOUVEAU_FILE"; then update-initramfs -u; fi

# --- what would be installed, before anything is ---------------------------------------------------------------------
MISSING=()
for name in "${DRIVER_PACKAGES[@]}"; do
  [[ $(package_version "$name") == "$BRANCH".* ]] || MISSING+=("$name")
done
for name in "${TOOLKIT_PACKAGES[@]}"; do
  [ "$(package_version "$name")" = "$TOOLKIT_VERSION" ] || MISSING+=("$name")
done
if [ ${#MISSING[@]} -gt 0 ]; then
  apt_update
  for name in "${DRIVER_PACKAGES[@]}"; do
    [[ $(package_version "$name") == "$BRANCH".* || $(candidate "$name") == "$BRANCH".* ]] || branch_is_gone "$name"
  done
  for name in "${TOOLKIT_PACKAGES[@]}"; do
    [ "$(candidate "$name")" = "$TOOLKIT_VERSION" ] ||
      fail "NVIDIA's repository has no $name $TOOLKIT_VERSION. Look: apt-cache madison $name; correct machines.<name>.gpu.toolkitVersion"
  done
  # DKMS builds for kernels whose headers are there: of the running one now, of later ones by the same meta package
  # that brings those kernels.
  HEADERS=("linux-headers-$(uname -r)")
  [ -n "$(candidate "${HEADERS[0]}")" ] ||
    fail "the package archive has no ${HEADERS[0]} any more. Fix: apt-get dist-upgrade, reboot into the newer kernel, run again"
  while read -r name; do HEADERS+=("${name/linux-image-/linux-headers-}"); done < <(installed_kernel_metas)
  install_packages "${HEADERS[@]}"
  apt_get --no-install-recommends --allow-downgrades install "${MISSING[@]}"
  for name in "${MISSING[@]}"; do say_changed "package $name"; done
fi

# --- the running kernel ----------------------------------------------------------------------------------------------
if [ -z "$(loaded_branch)" ] && [ ! -d /sys/module/nouveau ]; then
  modprobe nvidia 2>/dev/null || true
fi
if [ "$(loaded_branch)" != "$BRANCH" ] || [ "$(smi_state)" != ok ]; then
  reason="the running kernel has driver branch '$(loaded_branch)', the configuration says $BRANCH; nvidia-smi: $(smi_state)"
  # A change of the driver comes to a node that carries pods; a reboot would take them, and volumes, by surprise.
  if [ "$MAY_REBOOT" = true ] && ! systemctl is-active --quiet k3s-agent.service; then
    echo "$reason; rebooting"
    exit 194
  fi
  if [ ! -d "/lib/modules/$(uname -r)/updates/dkms" ] && [ -z "$(modinfo -F version nvidia 2>/dev/null)" ]; then
    reason+=". DKMS has built no module for $(uname -r): look at dkms status"
  elif secure_boot; then
    reason+=". Secure Boot is on, and refuses modules that DKMS signs itself: enrol its key with mokutil --import /var/lib/shim-signed/mok/MOK.der, or switch Secure Boot off"
  else
    reason+=". If the driver was changed or repaired just now, drain the node (npm run node -- drain $(hostname)), reboot it and run again. Look: dmesg | grep -i nvidia"
  fi
  fail "$reason"
fi

[ "$(runtime_state)" = present ] ||
  fail "nvidia-container-runtime is not on the PATH of services. Look: dpkg -L nvidia-container-toolkit-base"
[ "$(systemctl show --property=NeedDaemonReload --value "$PERSISTENCE_UNIT")" = no ] || systemctl daemon-reload
enable_unit "$PERSISTENCE_UNIT"
