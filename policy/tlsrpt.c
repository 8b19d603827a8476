/* tlsrpt: see daneway/tlsrpt.h.
 * Owns: nothing.
 * Must never stumble over one URI so that the others are not served. */
#include "daneway/tlsrpt.h"

#include "policy/sts_text.h"
#include "policy/tlsrpt_uri.h"
#include "policy/txt_record.h"

struct reading {
    struct arena *arena;
    struct tlsrpt_record *record;
    bool has_rua;
};

static void take_uri(struct reading *reading, struct slice uri)
{
    struct tlsrpt_record *record = reading->record;
    struct report_receiver receiver;
    if (tlsrpt_uri_parse(reading->arena, uri, &receiver) != 0)
        record->unusable++;
    else if (record->receiver_count == TLSRPT_RECEIVERS)
        record->surplus++;
    else
        record->receivers[record->receiver_count++] = receiver;
}

/* A value holds "=" where a URI does, and white space only around the ",". */
static bool is_uri_text(struct slice text)
{
    bool good = text.len > 0;
    for (size_t i = 0; i < text.len && good; i++)
        good = text.ptr[i] > 0x20 && text.ptr[i] < 0x7f;
    return good;
}

/* RPT-04. An entry that is no text of a URI spoils itself alone. */
static void take_uris(struct reading *reading, struct slice list)
{
    while (list.ptr != NULL) {
        struct slice uri = slice_trim(slice_split(list, ',', &list));
        if (is_uri_text(uri))
            take_uri(reading, uri);
        else
            reading->record->unusable++;
    }
}

static const char *take_field(void *arg, struct slice name, struct slice value)
{
    struct reading *reading = arg;
    if (!slice_equal(name, SLICE_LITERAL("rua")))
        return txt_is_extension_value(value) ? NULL : "a field has an invalid value";
    reading->has_rua = true;
    take_uris(reading, value);
    return value.len > 0 ? NULL : "rua is empty";
}

int tlsrpt_record_parse(struct arena *arena, const struct slice *txts, size_t count,
                        struct tlsrpt_record *record_r, const char **why_r)
{
    struct slice fields;
    struct reading reading = {.arena = arena, .record = record_r};
    size_t candidates = txt_record_find(txts, count, SLICE_LITERAL("v=TLSRPTv1"), &fields);
    *record_r = (struct tlsrpt_record){.receiver_count = 0};
    if (candidates == 0)
        *why_r = "there is no record that begins with v=TLSRPTv1";
    else if (candidates > 1) /* T-11 */
        *why_r = "there are several records that begin with v=TLSRPTv1";
    else
        *why_r = txt_record_fields(fields, take_field, &reading);
    if (*why_r == NULL && !reading.has_rua)
        *why_r = "the record has no rua";
    return *why_r == NULL ? 0 : -1;
}
