/** What strangers wrote, so that a person sees all of it and nothing else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shownName, shownText } from '../../../src/lib/shown-text.ts';

describe('a text of a stranger', () => {
  it('stands as it is when all of it can be seen, whatever the script', () => {
    for (const text of ['Claude Code', 'Élodie’s agent', 'עוזר', 'クライアント', '👍 ok', 'हिन्दी']) {
      assert.equal(shownText(text, 80), text);
    }
  });

  it('shows that there was something unseen: controls, bidi, zero width, tags, fillers, private use, lone surrogates', () => {
    const unseen = [0x00, 0x1b, 0x7f, 0x9b, 0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200d, 0x200f, 0x202e];
    for (const code of [...unseen, 0x2060, 0x2066, 0x2069, 0x2800, 0x3164, 0xe000, 0xfeff, 0xfff9, 0xe0041]) {
      assert.equal(shownText(`a${String.fromCodePoint(code)}b`, 80), 'a\ufffdb', `U+${code.toString(16)}`);
    }
    assert.equal(shownText('a\ud800b', 80), 'a\ufffdb');
    assert.equal(shownText(`a${'\u202e\u200b'.repeat(30)}b`, 80), 'a\ufffdb');
  });

  it('is one line: line ends and odd spaces are one space, and none at its ends', () => {
    assert.equal(shownText('\n a\r\n\u2028\u00a0\u3000\tb \u2003', 80), 'a b');
  });

  it('drops variation selectors, which emoji carry, and marks piled on one letter', () => {
    assert.equal(shownText('❤\ufe0f', 80), '❤');
    assert.equal(shownText(`a${'\u0301'.repeat(100)}b`, 80), `a${'\u0301'.repeat(4)}b`);
  });

  it('is cut in whole characters and says so', () => {
    assert.equal(shownText('x'.repeat(80), 80), 'x'.repeat(80));
    assert.equal(shownText('x'.repeat(10_240), 80), `${'x'.repeat(80)}…`);
    assert.equal(shownText('👍'.repeat(81), 80), `${'👍'.repeat(80)}…`);
    assert.equal(shownText(`a${'\u200b'.repeat(10_240)}b`, 80), 'a\ufffd…');
  });
});

describe('a name that a client gave itself', () => {
  it('is at most 80 characters', () => {
    assert.equal(shownName('n'.repeat(10_240)), `${'n'.repeat(80)}…`);
  });

  it('is none where nothing of it can be read', () => {
    for (const name of [undefined, '', ' \n', '\u200b\u202e', '\u3164', '\u0301'])
      assert.equal(shownName(name), undefined);
    assert.equal(shownName('?'), '?');
  });
});
