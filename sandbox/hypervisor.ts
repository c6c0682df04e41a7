import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { HostKey } from "../nodes/hypervisor/host-key";
import { cached } from "./cache";
import { debianTree, sources } from "./debian";
import { finished, must, removeFolder, start, type Ran } from "./processes";
import { missingPackages } from "./requirements";

/** A Debian server with what the program installs on a hypervisor, so that nothing is fetched while it runs. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "iproute2", "procps", "kmod", "netbase"],
  ...["qemu-system-x86", "qemu-utils", "libvirt-daemon-system", "libvirt-clients", "genisoimage", "libxml2-utils"],
  ...["curl", "ca-certificates", "iputils-ping", "python3"],
] as const;

/**
 * libvirt's own confinement of a guest wants cgroups and namespaces that a container does not have. Everything else is
 * as the package has it.
 */
const QEMU_CONF = `user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
`;

const CUSTOMIZE = `
set -eu
: >"$1/etc/machine-id"
rm -f "$1/etc/resolv.conf" "$1"/etc/ssh/ssh_host_*
cat >"$1/etc/libvirt/qemu.conf" <<'END'
${QEMU_CONF}END
# The container's network is made from outside; its default network would want a firewall.
rm -f "$1/etc/libvirt/qemu/networks/autostart/default.xml"
chroot "$1" systemctl enable ssh.service
for unit in systemd-networkd.service systemd-resolved.service systemd-udevd.service apt-daily.timer apt-daily-upgrade.timer; do
  chroot "$1" systemctl mask "$unit" 2>/dev/null || true
done
`;

export interface HypervisorSpec {
  name: string;
  /** Bridge of this network namespace to which it is attached. */
  bridge: string;
  /** With the length of the prefix, such as 10.99.0.100/24. */
  address: string;
  router: string;
  hostKey: HostKey;
  /** 32 hexadecimal digits. */
  machineId: string;
  /** Public key of who may log in as root. */
  authorizedKey: string;
  /** For its files, which outlive it: made there again, it goes on from what it finds, its guests included. */
  folder: string;
  /** Gives its guests this computer's KVM. Default false. */
  kvm?: boolean;
}

/** Why no hypervisor can be run here, and what to do about it; undefined if one can. */
export function hypervisorProblem(): string | undefined {
  return missingPackages({
    "systemd-nspawn": "systemd-container",
    ip: "iproute2",
    mmdebstrap: "mmdebstrap",
    nsenter: "util-linux",
  });
}

/** Root file system of the hypervisor, from the cache or built now: one to three minutes. */
export async function hypervisorImage(): Promise<string> {
  const { folder } = await cached("hypervisor-12", [PACKAGES, CUSTOMIZE, sources()], async (building) => {
    await debianTree(building, path.join(building, "tree"), PACKAGES, CUSTOMIZE);
  });
  return path.join(folder, "tree");
}

/**
 * A hypervisor without a processor of its own: a Debian with systemd, sshd and libvirtd in a container, whose bridge br0
 * is on the LAN and whose guests are real machines by software emulation. It ends, with its guests, when this process
 * does. It is made in a mount namespace with a /run of its own, and in a network namespace with the bridge.
 */
export class ContainerHypervisor {
  private container?: ChildProcess;
  private said = "";

  private constructor(
    private readonly spec: HypervisorSpec,
    private readonly tree: string,
  ) {}

  /** Makes its files, those that are not there yet. */
  public static async create(spec: HypervisorSpec): Promise<ContainerHypervisor> {
    const tree = path.join(spec.folder, "tree");
    if (!fs.existsSync(tree)) {
      const unfinished = `${tree}.new`;
      removeFolder(unfinished);
      fs.mkdirSync(spec.folder, { recursive: true, mode: 0o700 });
      await must("cp", ["--archive", "--reflink=auto", await hypervisorImage(), unfinished]);
      writeFiles(unfinished, spec);
      fs.renameSync(unfinished, tree);
    }
    return new ContainerHypervisor(spec, tree);
  }

  /**
   * Switches it on and waits until sshd and libvirtd answer.
   *
   * @throws Error with what it last said.
   */
  public async boot(seconds = 120): Promise<void> {
    const { name, bridge } = this.spec;
    const container = start(
      "systemd-nspawn",
      [
        ...["--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"],
        ...[`--directory=${this.tree}`, `--machine=${name}`, `--network-bridge=${bridge}`],
        ...["--resolv-conf=off", "--timezone=off", "--link-journal=no"],
        // libvirt makes taps for its guests.
        "--bind=/dev/net/tun",
        ...(this.spec.kvm === true ? ["--bind=/dev/kvm"] : []),
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const listen = (data: Buffer) => (this.said = `${this.said}${data.toString("utf8")}`.slice(-8000));
    container.stdout?.on("data", listen);
    container.stderr?.on("data", listen);
    container.once("exit", () => (this.container = undefined));
    this.container = container;
    const end = performance.now() + seconds * 1000;
    let answer: Ran | undefined;
    while (answer?.status !== 0) {
      if (!this.container || performance.now() > end) {
        throw new Error(`${name} does not start: ${answer?.stderr ?? ""}\n${this.said.trim()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
      answer = await this.run("systemctl is-active ssh.service && virsh -q -c qemu:///system uri").catch(
        () => undefined,
      );
    }
  }

  /**
   * Runs bash text inside, as root.
   *
   * @throws Error if it is not on.
   */
  public async run(text: string): Promise<Ran> {
    const { pid } = this.container ?? {};
    const [inside] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    const enter = ["--target", inside, "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--root"];
    return finished(start("nsenter", [...enter, "bash", "-c", "cd / && exec bash"]), text);
  }

  /** Takes the power away from it and its guests. */
  public async kill(): Promise<void> {
    const { container } = this;
    if (container) {
      const ended = new Promise((resolve) => container.once("exit", resolve));
      container.kill("SIGKILL");
      await ended;
    }
  }
}

/** What makes it this machine, below its root. */
function writeFiles(tree: string, { name, address, router, hostKey, machineId, authorizedKey }: HypervisorSpec): void {
  const put = (file: string, text: string, mode = 0o644) => {
    const target = path.join(tree, file);
    fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    fs.writeFileSync(target, text, { mode });
  };
  put("etc/machine-id", `${machineId}\n`);
  put("etc/hostname", `${name}\n`);
  put("etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${name}\n`);
  put("etc/ssh/ssh_host_ed25519_key", hostKey.privateKey, 0o600);
  put("etc/ssh/ssh_host_ed25519_key.pub", `${hostKey.publicKey}\n`);
  put("root/.ssh/authorized_keys", `${authorizedKey}\n`, 0o600);
  // Before libvirtd, which would not start its guests without the bridge.
  put(
    "etc/systemd/system/lan.service",
    `[Unit]
DefaultDependencies=no
Before=network.target ssh.service libvirtd.service
After=local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'ip link set lo up; ip link add br0 type bridge; ip link set host0 master br0 up; \\
  ip address add ${address} dev br0; ip link set br0 up; ip route add default via ${router}'
[Install]
WantedBy=multi-user.target
`,
  );
  const wanted = path.join(tree, "etc/systemd/system/multi-user.target.wants");
  fs.mkdirSync(wanted, { recursive: true });
  fs.symlinkSync("../lan.service", path.join(wanted, "lan.service"));
}
