// Evaluated in the page by flows.py: `audit("weakText")` or `audit("nameless")` lists what is wrong with what is visible now.
(name) => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => {
    const mix = (channel) => top[channel] * top.a + under[channel] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
  };
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const visible = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  /** Text with less contrast than WCAG 2.2 AA asks for: 4.5, or 3 from 24 px (bold: 18.66 px) on. */
  const weakText = () => {
    const weak = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.trim();
      const node = walker.currentNode.parentElement;
      if (!text || !visible(node) || node.closest("option, script, noscript, .visually-hidden, .skip, :disabled")) continue;
      const style = getComputedStyle(node);
      const under = ground(node);
      const lights = [luminance(over(parse(style.color), under)), luminance(under)].sort((one, other) => other - one);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const ratio = (lights[0] + 0.05) / (lights[1] + 0.05);
      if (ratio < (large ? 3 : 4.5)) weak.add(`${ratio.toFixed(2)} ${node.tagName}.${node.className}: ${text.slice(0, 40)}`);
    }
    return [...weak];
  };

  /** Fields, buttons and links without a name for who listens to the page. */
  const nameless = () =>
    [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
      .filter(visible)
      .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() || node.labels?.length || node.title))
      .map((node) => node.outerHTML.slice(0, 160));

  return { weakText, nameless }[name]();
}
