"use strict";
/* What the page was given: JSON in #data, and in #streams the bytes of every clip, deflated one by one, as base64. */

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);

let allBytes = null;

function piece(at) {
  if (allBytes === null) {
    const text = atob(byId("streams").textContent.trim());
    allBytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) allBytes[i] = text.charCodeAt(i);
  }
  return allBytes.subarray(at[0], at[0] + at[1]);
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Places of the joints, [joint][coordinate][step] in one array, and the relations of every loss; null for a clip
   that the page had no room for. */
async function motionOf(clip) {
  if (!clip.at) return null;
  const bytes = await inflated(piece(clip.at));
  const rows = 2 * data.joints;
  const places = bytes.slice(0, rows * clip.steps);
  for (let row = 0; row < rows; row++) {
    for (let i = row * clip.steps + 1; i < (row + 1) * clip.steps; i++) places[i] = (places[i] + places[i - 1]) & 255;
  }
  const related = {};
  let start = places.length;
  for (const [name, about] of Object.entries(clip.related)) {
    const size = about.size * about.size;
    related[name] = { size: about.size, sides: [0, 1].map((side) => bytes.subarray(start + side * size, start + (side + 1) * size)) };
    start += 2 * size;
  }
  return { steps: clip.steps, places, related };
}

async function pictureOf(clip) {
  if (!clip.picture) return null;
  const blob = new Blob([piece(clip.picture)], { type: data.pictures.type });
  return createImageBitmap(blob);
}

function errorsOf(clip, role) {
  const operations = clip.read[role][1];
  let errors = 0;
  for (const operation of operations) errors += operation !== "C";
  return errors;
}
