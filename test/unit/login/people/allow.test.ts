/** Who may log in. OpenID Connect Core §5.7. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AllowOptions } from '../../../../src/login/options.ts';
import { isAllowed } from '../../../../src/login/people/allow.ts';
import type { Person } from '../../../../src/login/people/person.ts';

const NOBODY: AllowOptions = { everyone: false, emails: [], emailDomains: [], groups: [], subjects: [] };

function person(over: Partial<Person> = {}): Person {
  return { subject: 'u1', email: 'ann@example.com', name: 'Ann', groups: ['staff', 'ops'], ...over };
}

function isEmailAllowed(email: string | undefined, allow: Partial<AllowOptions>): boolean {
  return isAllowed(person({ email }), { ...NOBODY, ...allow });
}

describe('isAllowed', () => {
  it('without any entry allows nobody', () => {
    assert.equal(isAllowed(person(), NOBODY), false);
    assert.equal(isAllowed(person({ email: undefined, name: undefined, groups: [] }), NOBODY), false);
  });

  it('any list suffices', () => {
    for (const allow of [
      { everyone: true },
      { emails: ['x@y.example', 'ann@example.com'] },
      { emailDomains: ['y.example', 'example.com'] },
      { groups: ['none', 'ops'] },
      { subjects: ['u0', 'u1'] },
    ]) {
      const others = { emails: ['no@no.example'], emailDomains: ['no.example'], groups: ['no'], subjects: ['no'] };
      assert.equal(isAllowed(person(), { ...NOBODY, ...others, ...allow }), true, JSON.stringify(allow));
      assert.equal(
        isAllowed(person({ subject: 'u2', email: 'bob@example.org', groups: ['staff'] }), { ...NOBODY, ...allow }),
        'everyone' in allow,
      );
    }
  });

  it('compares groups and subjects byte for byte', () => {
    assert.equal(isAllowed(person(), { ...NOBODY, groups: ['Ops', 'ops ', 'op', '', 'staff,ops'] }), false);
    assert.equal(isAllowed(person(), { ...NOBODY, subjects: ['U1', 'u1 ', 'u', '', 'u11'] }), false);
    // The same text to a reader, composed and decomposed.
    assert.equal(isAllowed(person({ groups: ['caf\u00e9'] }), { ...NOBODY, groups: ['cafe\u0301'] }), false);
  });

  it('compares e-mail addresses and domains without regard to ASCII case', () => {
    assert.equal(isEmailAllowed('ANN@Example.COM', { emails: ['Ann@eXample.com'] }), true);
    assert.equal(isEmailAllowed('ANN@Example.COM', { emailDomains: ['EXAMPLE.com'] }), true);
  });

  it('a domain is neither its subdomains nor what it ends', () => {
    for (const email of [
      'ann@sub.example.com',
      'ann@notexample.com',
      'ann@example.com.evil.example',
      'ann@com',
      'ann@example.co',
      'example.com@evil.example',
      'ann@example.com.',
      'ann@.example.com',
    ]) {
      assert.equal(isEmailAllowed(email, { emailDomains: ['example.com'] }), false, email);
    }
    for (const domain of ['', '.', '.com', 'com', '@example.com', '*.com', 'example.com.', 'exampleXcom']) {
      assert.equal(isEmailAllowed('ann@example.com', { emailDomains: [domain] }), false, domain);
    }
  });

  it('an address that two programs could read differently is nobody\u2019s, even spelled out', () => {
    for (const email of [
      undefined,
      '',
      '@',
      'example.com',
      '@example.com',
      'ann@',
      'ann@evil.example@example.com',
      'ann@@example.com',
      '"ann"@example.com',
      '"a@evil.example"@example.com',
      'ann\'"@example.com',
      'ann @example.com',
      ' ann@example.com',
      'ann@example.com ',
      'ann@example.com\n',
      'ann@evil.example\n@example.com',
      'ann\u0000@example.com',
      'ann@example.com\u0000',
      'ann@evil.example,ann@example.com',
      'Ann <ann@example.com>',
      'ann(comment)@example.com',
      'ann\\@example.com',
      'ann@[127.0.0.1]',
      'ann@exam\u00adple.com',
      '\u00e4nn@example.com',
      'ann@ex\u00e4mple.com',
      'ann@example\u3002com',
      'ann@exam\uff50le.com',
      `${'a'.repeat(250)}@example.com`,
    ]) {
      const domains = ['example.com', 'ex\u00e4mple.com', '[127.0.0.1]', 'example\u3002com', ''];
      const allow = { emails: [email ?? '', 'ann@example.com'], emailDomains: domains };
      assert.equal(isEmailAllowed(email, allow), false, JSON.stringify(email));
    }
  });

  it('folds nothing but A to Z: the Kelvin sign is no k, the long s no s', () => {
    assert.equal(isEmailAllowed('kim@example.com', { emails: ['\u212aim@example.com'] }), false);
    assert.equal(isEmailAllowed('\u212aim@example.com', { emails: ['kim@example.com'] }), false);
    assert.equal(
      isEmailAllowed('ann@kiosk.example', { emailDomains: ['\u212aiosk.example', 'kio\u017fk.example'] }),
      false,
    );
  });

  it('takes the addresses of today', () => {
    for (const email of [
      "o'hara+mcp@example.com",
      'a.b-c_d@mail.example.co.uk',
      'first.last@xn--bcher-kva.example',
      'x@localhost',
    ]) {
      assert.equal(isEmailAllowed(email, { emails: [email] }), true, email);
    }
  });
});
