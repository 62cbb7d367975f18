/** Copying text, with and without the clipboard's API, which pages on plain http don't have. */

/** Copies by the clipboard if the page may (https, localhost), else by selecting the field: that works over plain http too. */
export async function copyFrom(source: HTMLInputElement | HTMLTextAreaElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(source.value);
    return true;
  } catch {
    source.focus();
    source.select();
    // oxlint-disable-next-line typescript/no-deprecated -- the only way to copy that needs no secure context
    return document.execCommand('copy');
  }
}
