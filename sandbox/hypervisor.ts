import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { ed25519HostKey, type HostKey } from "../nodes/hypervisor/host-key";
import { cached } from "./cache";
import { debianTree, sources } from "./debian";
import { finished, must, removeFolder, start, temporaryFolder, type Ran } from "./processes";
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
  /** May log in as root. */
  user: HostKey;
}

/** Why no hypervisor can be run here, and what to do about it; undefined if one can. */
export function hypervisorProblem(): string | undefined {
  return missingPackages({ "systemd-nspawn": "systemd-container", ip: "iproute2", mmdebstrap: "mmdebstrap" });
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
 * is on the LAN and whose guests are real machines by software emulation. It ends, with its guests, when this program does.
 */
export class ContainerHypervisor {
  public readonly hostKey: string;
  public readonly identity: { readonly kind: "machine-id"; readonly value: string };
  private container?: ChildProcess;
  private said = "";

  private constructor(
    private readonly spec: HypervisorSpec,
    public readonly folder: string,
    hostKey: HostKey,
    machineId: string,
  ) {
    this.hostKey = hostKey.publicKey;
    this.identity = { kind: "machine-id", value: machineId };
  }

  /** Makes its files. */
  public static async create(spec: HypervisorSpec): Promise<ContainerHypervisor> {
    const image = await hypervisorImage();
    const folder = temporaryFolder(spec.name, 3 * 2 ** 30);
    const tree = path.join(folder, "tree");
    await must("cp", ["--archive", "--reflink=auto", image, tree]);
    const hostKey = ed25519HostKey(randomBytes(32).toString("base64"), spec.name);
    const machineId = randomBytes(16).toString("hex");
    const put = (file: string, text: string, mode = 0o644) => {
      fs.mkdirSync(path.dirname(path.join(tree, file)), { recursive: true, mode: 0o700 });
      fs.writeFileSync(path.join(tree, file), text, { mode });
    };
    put("etc/machine-id", `${machineId}\n`);
    put("etc/hostname", `${spec.name}\n`);
    put("etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${spec.name}\n`);
    put("etc/ssh/ssh_host_ed25519_key", hostKey.privateKey, 0o600);
    put("etc/ssh/ssh_host_ed25519_key.pub", `${hostKey.publicKey}\n`);
    put("root/.ssh/authorized_keys", `${spec.user.publicKey}\n`, 0o600);
    // Before libvirtd, which would take its guests down if the bridge were not there.
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
  ip address add ${spec.address} dev br0; ip link set br0 up; ip route add default via ${spec.router}'
[Install]
WantedBy=multi-user.target
`,
    );
    put("etc/systemd/system/multi-user.target.wants/.keep", "");
    fs.symlinkSync("../lan.service", path.join(tree, "etc/systemd/system/multi-user.target.wants/lan.service"));
    return new ContainerHypervisor(spec, folder, hostKey, machineId);
  }

  /** Switches it on and waits until sshd and libvirtd answer. */
  public async boot(seconds = 120): Promise<void> {
    const tree = path.join(this.folder, "tree");
    const container = start(
      "systemd-nspawn",
      [
        ...["--quiet", "--boot", "--register=no", "--keep-unit", "--as-pid2=no"].filter((word) => !word.includes("pid2")),
        ...[`--directory=${tree}`, `--machine=${this.spec.name}`, `--network-bridge=${this.spec.bridge}`],
        ...["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe"],
        // libvirt makes taps for its guests.
        ...["--capability=CAP_NET_ADMIN", "--bind=/dev/net/tun"],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const listen = (data: Buffer) => (this.said = `${this.said}${data.toString("utf8")}`.slice(-8000));
    container.stdout?.on("data", listen);
    container.stderr?.on("data", listen);
    container.once("exit", () => (this.container = undefined));
    this.container = container;
    const end = performance.now() + seconds * 1000;
    while ((await this.run("systemctl is-active ssh.service && virsh -q -c qemu:///system uri").catch(failed)).status !== 0) {
      if (!this.container || performance.now() > end) {
        throw new Error(`${this.spec.name} does not start: ${this.said.trim().split("\n").slice(-30).join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Runs bash text inside, as root. */
  public async run(text: string): Promise<Ran> {
    const child = Number(fs.readFileSync(`/proc/${this.container?.pid}/task/${this.container?.pid}/children`, "utf8").trim().split(" ")[0]);
    const enter = ["--target", String(child), "--mount", "--net", "--pid", "--uts", "--ipc", "--root", "--wd=/"];
    return finished(start("nsenter", [...enter, "bash"]), text);
  }

  public consoleTail(lines = 30): string {
    return this.said.trim().split("\n").slice(-lines).join("\n");
  }

  /** Takes the power away from it and its guests, and deletes everything of them. */
  public async destroy(): Promise<void> {
    if (this.container) {
      const ended = new Promise((resolve) => this.container?.once("exit", resolve));
      this.container.kill("SIGKILL");
      await ended;
    }
    removeFolder(this.folder);
  }
}

function failed(): Ran {
  return { status: -1, stdout: "", stderr: "", milliseconds: 0 };
}
