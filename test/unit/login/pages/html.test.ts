/** HTML that escapes whatever is put into it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { html } from '../../../../src/login/pages/html.ts';

describe('HTML Living Standard §13.3: text and attributes', () => {
  it('escapes what could end a text or a quoted attribute', () => {
    const hostile = `<script>"x" 'y' \`z\` && &lt;</script>`;
    const shown = '&lt;script&gt;&quot;x&quot; &#39;y&#39; &#96;z&#96; &amp;&amp; &amp;lt;&lt;/script&gt;';
    assert.equal(html`<p title="${hostile}">${hostile}</p>`.toString(), `<p title="${shown}">${shown}</p>`);
  });

  it('lets markup stand, joins lists, and takes undefined for nothing', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
    assert.equal(
      html`<ul>${items}</ul>${undefined}${html`<hr>`}`.toString(),
      '<ul><li>a</li><li>&lt;b&gt;</li></ul><hr>',
    );
  });

  it('takes nothing for a template that has come as text', () => {
    const text = ['$', '{1 + 1}'].join('');
    assert.equal(html`${text}{{7*7}}$&$1`.toString(), `${text}{{7*7}}$&$1`);
  });
});
