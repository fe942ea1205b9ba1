// What a page and the extension say to each other.

/** Show this. `report` goes into the element of that id. */
export interface ToPage {
  readonly body: string;
  readonly report?: { readonly body: string; readonly css: string };
}

/** A button was pressed, or (`ready`) the page can be shown something. */
export interface FromPage {
  readonly act: string;
  readonly id: string;
}
