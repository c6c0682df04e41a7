import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { plannedHomelab } from "../../rehearse/config";
import { newIdentity } from "../../rehearse/identity";
import { requirements, resourceProblems, resourcesAt } from "../../rehearse/preflight";
import { RehearsalFolder } from "../../rehearse/state";
import { identityOf } from "../../sandbox/processes";

describe("npm run rehearse: before anything starts", () => {
  it("too little disk and memory are told, with numbers and the folder", () => {
    const needed = requirements(plannedHomelab());
    const found = { freeDisk: needed.freeDisk - 1, availableMemory: needed.availableMemory - 1 };
    expect(resourceProblems(needed, needed, "/srv")).to.deep.equal([]);
    const problems = resourceProblems(needed, found, "/srv");
    expect(problems).to.have.length(2);
    expect(problems[0])
      .to.match(/^\/srv has [0-9.]+ GiB free/)
      .and.to.contain("XDG_STATE_HOME");
  });

  it("the VM's disk counts as a whole, because its hypervisor wants it to be free", () => {
    expect(requirements(plannedHomelab()).freeDisk).to.be.greaterThan(20 * 2 ** 30);
  });

  it("a folder that is not there yet is judged by the disk that it will lie on", () => {
    expect(resourcesAt("/nowhere/at/all").freeDisk).to.be.greaterThan(0);
  });

  describe("the folder of the rehearsal", () => {
    let base: string;
    beforeEach(() => (base = fs.mkdtempSync(path.join(os.tmpdir(), "rehearse-"))));
    afterEach(() => fs.rmSync(base, { recursive: true, force: true }));
    const folder = () => new RehearsalFolder(path.join(base, "state"));

    it("is used by one run at a time; the lock of a killed run holds nobody up", () => {
      const state = folder();
      state.open();
      fs.writeFileSync(state.path("lock"), identityOf(process.ppid)!);
      expect(() => folder().open()).to.throw(`another rehearsal is under way, process ${process.ppid}`);
      fs.writeFileSync(state.path("lock"), "4194999 1 pid:[1]");
      folder().open();
    });

    it("is in use while the half inside still writes back, even if the half outside was killed", () => {
      const state = folder();
      state.open();
      state.alsoUsedBy(process.ppid);
      fs.writeFileSync(state.path("lock"), fs.readFileSync(state.path("lock"), "utf8").replace(/^\d+/, "4194999"));
      expect(() => folder().open()).to.throw(`process ${process.ppid}`);
    });

    it("keeps numbers of rehearsals with a mirror apart: they are compared with their like", () => {
      expect(folder().numbers(false)).to.equal(`${folder().folder}.json`);
      expect(folder().numbers(true)).not.to.equal(folder().numbers(false));
    });

    it("remembers who the machines are, for root's eyes", () => {
      const state = folder();
      state.open();
      const identity = newIdentity(["r730"]);
      state.remember({ identity, images: "a" });
      expect(folder().remembered()).to.deep.equal({ layout: 1, identity, images: "a" });
      expect(fs.statSync(state.path("rehearsal.json")).mode & 0o777).to.equal(0o600);
      expect(fs.statSync(state.folder).mode & 0o777).to.equal(0o700);
    });

    it("of another layout, or broken, is begun anew", () => {
      const state = folder();
      state.open();
      fs.writeFileSync(state.path("rehearsal.json"), '{"layout":0}');
      expect(state.remembered()).to.equal(undefined);
      fs.writeFileSync(state.path("rehearsal.json"), "{");
      expect(state.remembered()).to.equal(undefined);
      state.clear();
      expect(fs.existsSync(state.folder)).to.equal(false);
    });
  });
});
