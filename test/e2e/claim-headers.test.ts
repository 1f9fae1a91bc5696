/** Claims that the operator wants the backend to know, and that nobody else can say: `backend.claim_headers`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startPhase3 } from '../support/phase-3.ts';
import { type Phase2Stack, startPhase2 } from '../support/stack.ts';

const HEADERS = `claim_headers:
  X-Forwarded-Email: email
  X-Groups: /groups
  X-Roles: /realm_access/roles
  X-Level: level
  X-Staff: staff`;

const NAMES = ['X-Forwarded-Email', 'X-Groups', 'X-Roles', 'X-Level', 'X-Staff'];

type Claims = Readonly<Record<string, unknown>>;

async function told({ obex, backend, authorization }: Phase2Stack, claims: Claims, lines: readonly string[] = []) {
  const before = backend.requests.length;
  const { status } = await obex.send({ lines: [await authorization({ claims }), ...lines] });
  assert.equal(status, 200);
  const request = await backend.request(before);
  return NAMES.map((name) => request.values(name));
}

const start = (context: Parameters<typeof startPhase2>[0]): Promise<Phase2Stack> =>
  startPhase2(context, { sections: { backend: HEADERS } });

describe('backend.claim_headers', () => {
  it('tells texts, numbers, booleans and lists, each item encoded', async (context) => {
    const claims = {
      email: 'zoë@example.com',
      groups: ['dev', 'a,b', 'c d'],
      realm_access: { roles: ['admin'] },
      level: 3,
      staff: true,
    };
    assert.deepEqual(await told(await start(context), claims), [
      ['zo%C3%AB@example.com'],
      ['dev,a%2Cb,c%20d'],
      ['admin'],
      ['3'],
      ['true'],
    ]);
  });

  it('says nothing of a claim that is absent, null, an object, an empty text or an empty list', async (context) => {
    const claims = { groups: null, realm_access: { roles: { admin: true } }, level: [], staff: '' };
    assert.deepEqual(await told(await start(context), claims), [[], [], [], [], []]);
  });

  it('never lets a client say it, in any spelling, whether the claim is there or not', async (context) => {
    const stack = await start(context);
    const forged = [
      'X-Forwarded-Email: root@example.com',
      'x-groups: admins',
      'X_Groups: admins',
      'X.Roles: admin',
      'X-LEVEL: 9',
      'x_staff: true',
    ];
    assert.deepEqual(await told(stack, { email: 'alice@example.com', groups: ['dev'] }, forged), [
      ['alice@example.com'],
      ['dev'],
      [],
      [],
      [],
    ]);
    assert.doesNotMatch(stack.backend.received(), /admin|root@|X_Groups|X-LEVEL/i);
  });

  it('keeps a text with a comma one item: it is no list of two groups', async (context) => {
    const [, groups] = await told(await start(context), { groups: 'users,admins' });
    assert.deepEqual(groups, ['users%2Cadmins']);
  });

  it('leaves out what does not fit, whole, and says so in the log', async (context) => {
    const stack = await start(context);
    const groups = Array.from({ length: 500 }, (_, index) => `group-${index}`);
    const claims = {
      email: 'a@example.com',
      groups,
      level: 2 ** 60,
      realm_access: { roles: ['dev', { of: 'admin' }] },
    };
    assert.deepEqual(await told(stack, claims), [['a@example.com'], [], [], [], []]);
    const { fields, issuer, subject } = await stack.obex.event('fields_withheld');
    assert.deepEqual(
      { fields, issuer, subject },
      {
        fields: { 'X-Groups': 'too_long', 'X-Roles': 'not_flat', 'X-Level': 'not_exact' },
        issuer: stack.issuer.url,
        subject: 'alice',
      },
    );
  });

  it('is the same for a token that is known, and for one whose token is not kept', async (context) => {
    const stack = await startPhase2(context, { sections: { backend: HEADERS, token_cache: 'max_entries: 0' } });
    const line = await stack.authorization({ claims: { email: 'alice@example.com' } });
    for (const index of [0, 1]) {
      await stack.obex.send({ lines: [line] });
      assert.deepEqual((await stack.backend.request(index)).values('X-Forwarded-Email'), ['alice@example.com']);
    }
  });

  it('goes with bound tokens too', async (context) => {
    const stack = await startPhase3(context, { sections: { backend: HEADERS } });
    const token = await stack.boundToken({ claims: { email: 'alice@example.com' } });
    assert.equal((await stack.obex.send(await stack.request({ token }))).status, 200);
    const request = await stack.backend.request(0);
    assert.deepEqual(request.values('X-Forwarded-Email'), ['alice@example.com']);
    assert.deepEqual(request.values('X-Obex-DPoP-Bound'), ['true']);
  });
});
