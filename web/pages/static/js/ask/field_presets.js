// Ready fields with their question, for what people most often have many pictures of. Fields are in their short form; a
// translation keeps the types and translates names, values and hints.

import { t } from "../core/words.js";

/** {label, question, fields} each. */
export const fieldPresets = () => [
  {
    label: t("Receipt"),
    question: t("Read this receipt."),
    fields: [
      t("merchant:text:name of the shop, as printed"),
      t("date:date:day of the purchase"),
      t("items:text[]:what was bought, a line each"),
      t("total:number:what was paid in all, tax included"),
      t("tax:number:the tax in the total"),
      t("currency:text:as a code of three letters, such as EUR"),
      t("paid by:cash|card|other:how it was paid"),
    ],
  },
  {
    label: t("Invoice"),
    question: t("Read this invoice."),
    fields: [
      t("supplier:text:who sent the invoice"),
      t("customer:text:who has to pay it"),
      t("invoice number:text:as printed, with all signs"),
      t("invoice date:date:day on which it was issued"),
      t("due date:date:day until which it has to be paid"),
      t("net amount:number:the sum before tax"),
      t("amount due:number:what has to be paid, tax included"),
      t("currency:text:as a code of three letters, such as EUR"),
    ],
  },
  {
    label: t("Chart"),
    question: t("Turn this chart into a table."),
    fields: [
      t("title:text:the title above the chart"),
      t("chart type:bar|line|pie|scatter|other"),
      t("unit:text:the unit of the values"),
      t("labels:text[]:names of the data points, in their order"),
      t("values:number[]:the values, one for each label, in the same order"),
    ],
  },
  {
    label: t("Product photo"),
    question: t("Describe the product in this photo."),
    fields: [
      t("product:text:what it is, in two to four words"),
      t("brand:text:only if it can be read or is plain to see"),
      t("colors:text[]:the main colors, the largest first"),
      t("material:text:what it seems to be made of"),
      t("condition:new|used|damaged"),
      t("plain background:boolean:true when nothing else is in the picture"),
    ],
  },
  {
    label: t("Form"),
    question: t("Read this filled-in form."),
    fields: [
      t("form title:text:the heading of the form"),
      t("name:text:of the person who filled it in"),
      t("date:date:the day that was written on it"),
      t("reference:text:number or code of the form or case"),
      t("ticked boxes:text[]:the words beside each ticked box"),
      t("signed:boolean!:true when there is a signature"),
    ],
  },
  {
    label: t("Safety check"),
    question: t("Look for hazards at this workplace."),
    fields: [
      t("people:integer!:how many people can be seen"),
      t("helmets missing:integer:people who should wear a helmet and do not"),
      t("exit blocked:boolean:true when something stands before a door or a way out"),
      t("hazards:text[]:each hazard in a few words"),
      t("severity:none|low|medium|high:of the worst hazard"),
    ],
  },
];
