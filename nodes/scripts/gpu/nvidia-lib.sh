# Questions about NVIDIA's driver and container toolkit. They only read.

# loaded_branch: branch of the kernel module that runs now, for example 570; nothing if none is loaded
loaded_branch() { cut -d. -f1 /sys/module/nvidia/version 2>/dev/null || true; }

# package_version NAME: of an installed package; nothing otherwise
package_version() {
  local version
  version=$(dpkg-query -W -f='${db:Status-Status} ${Version}' "$1" 2>/dev/null) || return 0
  [[ $version != "installed "* ]] || echo "${version#installed }"
}

# candidate NAME: the version that apt would install; nothing if there is none
candidate() { apt-cache policy "$1" | sed -n 's/^ *Candidate: //p' | sed '/^(none)$/d'; }

# smi_state: ok, or what nvidia-smi says
smi_state() {
  local said
  if said=$(nvidia-smi --list-gpus 2>&1) && grep -q '^GPU 0:' <<<"$said"; then
    echo ok
  else
    tail -n 1 <<<"${said:-no card found}"
  fi
}

# runtime_state: whether K3s will find the runtime on its PATH
runtime_state() {
  if PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin command -v nvidia-container-runtime >/dev/null; then
    echo present
  else
    echo absent
  fi
}

# available_branches: of Ubuntu's server drivers whose packages really are of the branch in their name
available_branches() {
  apt-cache search --names-only '^nvidia-headless-[0-9]+-server$' | cut -d' ' -f1 | sort -V | while read -r name; do
    branch=${name//[^0-9]/}
    ! apt-cache madison "$name" | awk -F'|' '{ print $2 }' | grep -q "^ *$branch\." || printf '%s ' "$branch"
  done
}

# installed_kernel_metas: meta packages that bring new kernels, for example linux-image-generic-hwe-22.04
installed_kernel_metas() {
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'linux-image-*' 2>/dev/null |
    sed -nE 's/^installed (linux-image-(generic|virtual|lowlatency|amd64)(-hwe-[0-9.]+)?)$/\1/p'
}

# secure_boot: whether the firmware refuses modules that it cannot verify
secure_boot() {
  local variable=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
  [ -f "$variable" ] && [ "$(od -An -t u1 -j 4 -N 1 "$variable" | tr -d ' ')" = 1 ]
}
