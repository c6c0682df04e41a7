import { expect } from "chai";
import { allChecks, type Check } from "../../config/checks";
import { ConfigError, type ConfigIssue } from "../../config/issues";
import { parseHomelab } from "../../config/parse";
import { fixtures, type Fixture } from "./fixtures";

/** The issues of a fixture; what every test asks for is worked out once. */
const known = new Map<Fixture, readonly ConfigIssue[]>();
function issuesOf(fixture: Fixture): readonly ConfigIssue[] {
  const issues = known.get(fixture) ?? parsed(fixture);
  known.set(fixture, issues);
  return issues;
}

/** Names of the checks that contributed to any fixture. */
const used = new Set<string>();
const observed: readonly Check[] = allChecks.map((check) => ({
  ...check,
  run: (config) => {
    const issues = check.run(config);
    if (issues.length > 0) {
      used.add(check.name);
    }
    return issues;
  },
}));

function parsed(fixture: Fixture): readonly ConfigIssue[] {
  try {
    parseHomelab(fixture.config, observed);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.issues;
    }
    throw error;
  }
}

const pathsOf = (issues: readonly { path: string }[]) => issues.map(({ path }) => path).sort();
const textOf = ({ found, allowed, fix }: ConfigIssue) => `found ${found}, allowed ${allowed}, fix ${fix}`;

describe("configurations that must be refused", () => {
  const bad = fixtures("bad");

  for (const fixture of bad) {
    it(fixture.name, () => {
      const issues = issuesOf(fixture);
      expect(pathsOf(issues), issues.map((issue) => `${issue.path}: ${textOf(issue)}`).join("\n")).to.deep.equal(
        pathsOf(fixture.expect),
      );
      for (const { path, mentions } of fixture.expect) {
        const texts = issues.filter((issue) => issue.path === path).map(textOf);
        const fits = texts.some((text) => mentions.every((word) => text.includes(word)));
        expect(fits, `${mentions.join(" + ")} in:\n${texts.join("\n")}`).to.equal(true);
      }
    });
  }

  it("say what stands there, what is allowed and what to do next", () => {
    const empty = bad.flatMap((fixture) =>
      issuesOf(fixture).filter(({ found, allowed, fix }) => [found, allowed, fix].some((part) => part.trim() === "")),
    );
    expect(empty).to.deep.equal([]);
  });

  it("never print a secret value", () => {
    const printed = bad.map((fixture) => JSON.stringify(issuesOf(fixture))).join("\n");
    expect(printed).not.to.match(/hunter2|4711/);
  });

  it("report five mistakes at once", () => {
    const fixture = bad.find(({ name }) => name === "five-mistakes-at-once");
    expect(fixture && issuesOf(fixture)).to.have.lengthOf(5);
  });

  // The expected paths are exact, so a fixture to which a check contributes goes red without that check.
  for (const { name } of allChecks) {
    it(`go through without the check '${name}'`, () => {
      bad.forEach(issuesOf);
      expect([...used]).to.include(name);
    });
  }

  it("exercise every check under a name of its own", () => {
    expect(new Set(allChecks.map(({ name }) => name)).size).to.equal(allChecks.length);
  });
});

describe("configurations that must be accepted", () => {
  for (const fixture of fixtures("good")) {
    it(fixture.name, () => {
      expect(issuesOf(fixture).map((issue) => `${issue.path}: ${textOf(issue)}`)).to.deep.equal([]);
    });
  }
});
