import { expect } from "chai";
import { GeneratedSecrets } from "../../../components/secrets";
import { Hypervisor } from "../../../nodes/hypervisor/hypervisor";
import { VirtualMachine } from "../../../nodes/hypervisor/virtual-machine";
import { isSecret, record, SECRET, type RecordedResource, type Recording } from "../../../plan/record";
import { home } from "../../support/home";

function program(generation = 1) {
  const homelab = home();
  const secrets = new GeneratedSecrets("secrets", homelab);
  const r730 = new Hypervisor("r730", { homelab, machine: homelab.hypervisors[0] });
  new VirtualMachine(
    "k3s-master1",
    {
      homelab,
      machine: homelab.controlPlane,
      hypervisor: r730.host,
      hostKeySeed: secrets.vmHostKeySeed,
      generation,
    },
    { dependsOn: r730.libvirt },
  );
}

function named({ resources }: Recording, name: string): RecordedResource {
  const found = resources.find((resource) => resource.name === name);
  if (!found) {
    throw new Error(`${name} is missing; there are ${resources.map((resource) => resource.name).join(", ")}`);
  }
  return found;
}

describe("Hypervisor and VirtualMachine", () => {
  let recording: Recording;
  before(async () => {
    recording = await record(() => program(), { preview: false });
  });

  it("check the machine before packages, and the VM waits for libvirt but not for the exports", () => {
    const { urn: preflight } = named(recording, "r730-preflight-apply");
    const { urn: packages } = named(recording, "r730-packages-apply");
    const { urn: exports } = named(recording, "r730-exports-apply");
    expect(named(recording, "r730-packages").dependencies).to.include(preflight);
    expect(named(recording, "r730-exports").dependencies).to.include(packages);
    expect(named(recording, "k3s-master1").dependencies).to.include(packages).and.not.to.include(exports);
  });

  it("wait for the VM before the first step on it", () => {
    const { urn: made } = named(recording, "k3s-master1-vm-apply");
    const { urn: login, dependencies } = named(recording, "k3s-master1-login");
    expect(dependencies).to.include(made);
    expect(named(recording, "k3s-master1-first-boot").dependencies).to.include(login);
  });

  it("pin the VM's generated host key, readable, before the VM exists", () => {
    const { connection } = named(recording, "k3s-master1-first-boot-apply").inputs;
    const plain = (isSecret(connection) ? connection[SECRET] : connection) as { hostKey: unknown; host: string };
    expect(plain.host).to.equal("192.168.10.30");
    expect(plain.hostKey).to.match(/^ssh-ed25519 [A-Za-z0-9+/]{68} k3s-master1$/);
  });

  it("show the private host key in nothing but a secret on standard input", () => {
    const mask = (value: unknown): unknown => {
      if (isSecret(value)) return "masked";
      if (Array.isArray(value)) return value.map(mask);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mask(child)]));
    };
    const { stdin } = named(recording, "k3s-master1-vm-apply").inputs;
    expect(isSecret(stdin) && String(stdin[SECRET])).to.contain("BEGIN OPENSSH PRIVATE KEY");
    expect(JSON.stringify(recording.resources.map(({ inputs }) => mask(inputs)))).not.to.contain("PRIVATE KEY");
  });

  it("replace the disk with the generation, and nothing of the hypervisor", async () => {
    const next = await record(() => program(2), { preview: false });
    const changed = recording.resources
      .filter(({ custom }) => custom)
      .filter(({ name, inputs }) => JSON.stringify(inputs) !== JSON.stringify(named(next, name).inputs))
      .map(({ name }) => name);
    // On the new disk, the first boot and its login are waited for again.
    expect(changed.sort()).to.deep.equal([
      "k3s-master1-first-boot-apply",
      "k3s-master1-login",
      "k3s-master1-vm-apply",
      "k3s-master1-vm-state",
    ]);
  });

  it("register in a preview that knows no secret yet", async () => {
    const preview = await record(() => program());
    expect(preview.resources.map(({ name }) => name).sort()).to.deep.equal(
      recording.resources.map(({ name }) => name).sort(),
    );
  });
});
