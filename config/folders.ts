/** Where this program keeps what is its own on a machine: disks, volumes, memory of what it did. */
export const OWN_FOLDER = "/var/lib/homelab";

/** K3s' default data directory; never moved, because its own tools assume it. */
export const K3S_DATA = "/var/lib/rancher/k3s";
