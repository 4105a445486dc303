// A sound card's mixer without a card: a plug-in of alsa-lib's (control_external.h) whose controls stand in a file, one
// a line, with tabs between: I, B or E (number, switch, items), the kernel's name, channels, the largest number, a
// value for each of two channels, the dB as alsa-lib's TLV in words with commas between, and the items. What is set is
// written back to the file.

#include <alsa/asoundlib.h>
#include <alsa/control_external.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Control {
  char type = 'I';
  std::string name;
  int channels = 1;
  long most = 0;
  long values[2] = {};
  std::vector<unsigned> tlv;
  std::vector<std::string> items;
};

struct Card {
  snd_ctl_ext_t ext = {};
  std::string path;
  std::vector<Control> controls;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

void load(Card& card) {
  std::ifstream file(card.path);
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> fields = split(line, '\t');
    // Nothing behind the last tab is no field to getline().
    if (fields.size() < 7) fields.resize(7);
    Control control;
    control.type = fields[0][0];
    control.name = fields[1];
    control.channels = std::stoi(fields[2]);
    control.most = std::stol(fields[3]);
    for (int i = 0; i < 2; ++i) control.values[i] = std::stol(fields[4 + i]);
    for (const std::string& word : split(fields[6], ',')) control.tlv.push_back(static_cast<unsigned>(std::stol(word)));
    control.items.assign(fields.begin() + 7, fields.end());
    card.controls.push_back(control);
  }
}

void save(const Card& card) {
  std::ofstream file(card.path);
  for (const Control& control : card.controls) {
    file << control.type << '\t' << control.name << '\t' << control.channels << '\t' << control.most << '\t'
         << control.values[0] << '\t' << control.values[1] << '\t';
    for (std::size_t i = 0; i < control.tlv.size(); ++i) file << (i ? "," : "") << static_cast<int>(control.tlv[i]);
    for (const std::string& item : control.items) file << '\t' << item;
    file << '\n';
  }
}

Card& card_of(snd_ctl_ext_t* ext) { return *static_cast<Card*>(ext->private_data); }

Control& control_of(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key) { return card_of(ext).controls[key]; }

void close_card(snd_ctl_ext_t* ext) { delete &card_of(ext); }

int count(snd_ctl_ext_t* ext) { return static_cast<int>(card_of(ext).controls.size()); }

int list(snd_ctl_ext_t* ext, unsigned at, snd_ctl_elem_id_t* id) {
  snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
  snd_ctl_elem_id_set_name(id, control_of(ext, at).name.c_str());
  return 0;
}

snd_ctl_ext_key_t find(snd_ctl_ext_t* ext, const snd_ctl_elem_id_t* id) {
  const std::vector<Control>& controls = card_of(ext).controls;
  for (std::size_t i = 0; i < controls.size(); ++i) {
    if (controls[i].name == snd_ctl_elem_id_get_name(id)) return i;
  }
  return SND_CTL_EXT_KEY_NOT_FOUND;
}

int attribute(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, int* type, unsigned* access, unsigned* channels) {
  const Control& control = control_of(ext, key);
  *type = control.type == 'B'   ? SND_CTL_ELEM_TYPE_BOOLEAN
          : control.type == 'E' ? SND_CTL_ELEM_TYPE_ENUMERATED
                                : SND_CTL_ELEM_TYPE_INTEGER;
  *access = SND_CTL_EXT_ACCESS_READWRITE;
  if (!control.tlv.empty()) *access |= SND_CTL_EXT_ACCESS_TLV_READ | SND_CTL_EXT_ACCESS_TLV_CALLBACK;
  *channels = static_cast<unsigned>(control.channels);
  return 0;
}

int range(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, long* least, long* most, long* step) {
  *least = 0;
  *most = control_of(ext, key).most;
  *step = 0;
  return 0;
}

int item_count(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, unsigned* items) {
  *items = static_cast<unsigned>(control_of(ext, key).items.size());
  return 0;
}

int item_name(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, unsigned item, char* name, size_t room) {
  std::snprintf(name, room, "%s", control_of(ext, key).items[item].c_str());
  return 0;
}

template <typename Value>
int read(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, Value* values) {
  const Control& control = control_of(ext, key);
  for (int i = 0; i < control.channels; ++i) values[i] = static_cast<Value>(control.values[i]);
  return 0;
}

template <typename Value>
int write(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, Value* values) {
  Control& control = control_of(ext, key);
  for (int i = 0; i < control.channels; ++i) control.values[i] = static_cast<long>(values[i]);
  save(card_of(ext));
  return 1;
}

int tell_db(snd_ctl_ext_t* ext, snd_ctl_ext_key_t key, int op, unsigned, unsigned* tlv, unsigned room) {
  const std::vector<unsigned>& words = control_of(ext, key).tlv;
  if (op != 0) return -ENXIO;
  if (room < words.size() * sizeof(unsigned)) return -ENOMEM;
  std::memcpy(tlv, words.data(), words.size() * sizeof(unsigned));
  return 0;
}

snd_ctl_ext_callback_t callbacks() {
  snd_ctl_ext_callback_t made = {};
  made.close = close_card;
  made.elem_count = count;
  made.elem_list = list;
  made.find_elem = find;
  made.get_attribute = attribute;
  made.get_integer_info = range;
  made.get_enumerated_info = item_count;
  made.get_enumerated_name = item_name;
  made.read_integer = read<long>;
  made.read_enumerated = read<unsigned>;
  made.write_integer = write<long>;
  made.write_enumerated = write<unsigned>;
  return made;
}

}  // namespace

extern "C" {

SND_CTL_PLUGIN_DEFINE_FUNC(fake) {
  static const snd_ctl_ext_callback_t kCallbacks = callbacks();
  Card* card = new Card;
  snd_config_iterator_t at, next;
  snd_config_for_each(at, next, conf) {
    snd_config_t* entry = snd_config_iterator_entry(at);
    const char *id = nullptr, *path = nullptr;
    if (snd_config_get_id(entry, &id) == 0 && std::strcmp(id, "file") == 0 &&
        snd_config_get_string(entry, &path) == 0) {
      card->path = path;
    }
  }
  (void)root;
  load(*card);
  card->ext.version = SND_CTL_EXT_VERSION;
  for (char* name : {card->ext.id, card->ext.driver, card->ext.name, card->ext.longname, card->ext.mixername}) {
    std::strcpy(name, "Fake");
  }
  card->ext.poll_fd = -1;
  card->ext.callback = &kCallbacks;
  card->ext.private_data = card;
  card->ext.tlv.c = tell_db;
  const int error = snd_ctl_ext_create(&card->ext, name, mode);
  if (error == 0) *handlep = card->ext.handle;
  return error;
}

SND_CTL_PLUGIN_SYMBOL(fake);
}
