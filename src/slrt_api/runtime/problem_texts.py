"""Every error code of the API, with its status and its texts in Indonesian and English. Codes are kept for ever.

A code is either a problem of its own (`code` of the answer) or a fault inside one (`errors[].code`); faults carry the
status of the problem they come in. Texts tell the caller what to do and are the same for all: they hold nothing of the
request. Each domain adds its codes here, because this is also what `/problems/{code}` publishes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages of the API; the attribute names are the language tags."""

    id: str
    en: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What `/problems/{code}` says about one code."""

    code: str
    status: int
    title: Text
    detail: Text


def _problem(status: int, code: str, title: tuple[str, str], detail: tuple[str, str]) -> Problem:
    return Problem(code, status, Text(*title), Text(*detail))


_ALL: Final = (
    # 400: cannot be read
    _problem(
        400,
        "bad_request",
        ("Permintaan tidak dapat dibaca", "The request cannot be read"),
        ("Periksa kembali bentuk permintaan.", "Check the form of the request."),
    ),
    _problem(
        400,
        "json_invalid",
        ("JSON tidak sah", "Not valid JSON"),
        ("Kirim satu nilai JSON yang sah.", "Send one valid JSON value."),
    ),
    _problem(
        400,
        "json_encoding",
        ("Isi bukan UTF-8", "The body is not UTF-8"),
        ("Kirim UTF-8 tanpa byte order mark.", "Send UTF-8 without a byte order mark."),
    ),
    _problem(
        400,
        "json_duplicate_key",
        ("Anggota JSON ganda", "Duplicate JSON member"),
        ("Setiap anggota hanya boleh muncul sekali dalam satu objek.", "Name each member of an object once."),
    ),
    _problem(
        400,
        "json_depth",
        ("JSON terlalu dalam", "JSON nested too deeply"),
        ("Batasi kedalaman array dan objek sampai 32.", "Nest arrays and objects at most 32 deep."),
    ),
    _problem(
        400,
        "json_number",
        ("Angka JSON tidak dapat dipakai", "Unusable JSON number"),
        (
            "Kirim angka berhingga dengan paling banyak 64 karakter; NaN dan Infinity bukan JSON.",
            "Send finite numbers of at most 64 characters; NaN and Infinity are not JSON.",
        ),
    ),
    _problem(
        400,
        "json_nul",
        ("Karakter NUL dalam JSON", "NUL character in JSON"),
        ("Hapus karakter U+0000.", "Remove the character U+0000."),
    ),
    _problem(
        400,
        "json_surrogate",
        ("Pasangan surrogate tidak utuh", "Half of a surrogate pair"),
        ("Kirim kedua bagian pasangan surrogate atau karakternya.", "Send both halves of the pair, or the character."),
    ),
    _problem(
        400,
        "parameter_invalid",
        ("Parameter tidak sah", "Invalid parameter"),
        ("Periksa nilai parameter yang disebut.", "Check the value of the named parameter."),
    ),
    _problem(
        400,
        "parameter_unknown",
        ("Parameter tidak dikenal", "Unknown parameter"),
        ("Hapus parameter yang disebut.", "Leave the named parameter out."),
    ),
    _problem(
        400,
        "header_invalid",
        ("Header tidak sah", "Invalid header"),
        ("Periksa header yang disebut.", "Check the named header."),
    ),
    _problem(
        400,
        "acting_role_required",
        ("Peran harus dipilih", "Choose a role"),
        (
            "Anda memegang beberapa peran; sebut satu dalam header Acting-Role.",
            "You hold several roles; name one in the Acting-Role header.",
        ),
    ),
    _problem(
        400,
        "cursor_invalid",
        ("Cursor tidak sah", "Invalid cursor"),
        ("Mulai lagi dari halaman pertama.", "Start again from the first page."),
    ),
    _problem(
        400,
        "cursor_mismatch",
        ("Cursor untuk daftar lain", "Cursor of another list"),
        (
            "Pakai filter, urutan, dan peran yang sama dengan halaman sebelumnya.",
            "Use the filter, sort and role of the page before.",
        ),
    ),
    _problem(
        400,
        "idempotency_key_required",
        ("Idempotency-Key wajib", "Idempotency-Key required"),
        ("Kirim header Idempotency-Key yang acak.", "Send a random Idempotency-Key header."),
    ),
    _problem(
        400,
        "idempotency_key_invalid",
        ("Idempotency-Key tidak sah", "Invalid Idempotency-Key"),
        ("Kirim UUID atau 128 bit acak.", "Send a UUID or 128 random bits."),
    ),
    _problem(
        400,
        "parameter_repeated",
        ("Parameter berulang", "Repeated parameter"),
        (
            "Sebut setiap parameter sekali.",
            "Give each parameter once.",
        ),
    ),
    _problem(
        400,
        "filter_invalid",
        ("Nilai filter tidak sah", "Invalid filter value"),
        (
            "Isi filter dengan nilai yang didokumentasikan.",
            "Give the filter a documented value.",
        ),
    ),
    _problem(
        400,
        "sort_unknown",
        ("Urutan tidak dikenal", "Unknown sort"),
        (
            "Pakai salah satu urutan yang didokumentasikan.",
            "Use one of the documented sorts.",
        ),
    ),
    _problem(
        400,
        "include_unknown",
        ("Tautan tidak dikenal", "Unknown link"),
        (
            "Sebut tautan yang didokumentasikan, paling dalam tiga tingkat.",
            "Name documented links, at most three deep.",
        ),
    ),
    _problem(
        400,
        "if_match_invalid",
        ("If-Match tidak sah", "Invalid If-Match"),
        (
            "Kirim satu versi dalam tanda kutip.",
            "Send one version in quotes.",
        ),
    ),
    # 401 and 403: who asks
    _problem(
        401,
        "token_missing",
        ("Token wajib", "Token required"),
        ("Kirim header Authorization: Bearer.", "Send an Authorization: Bearer header."),
    ),
    _problem(
        401,
        "token_invalid",
        ("Token tidak sah", "Invalid token"),
        ("Minta token baru dari penerbit yang dipercaya.", "Get a new token from a trusted issuer."),
    ),
    _problem(
        401,
        "token_expired",
        ("Token kedaluwarsa", "Token expired"),
        ("Minta token baru.", "Get a new token."),
    ),
    _problem(
        401,
        "token_revoked",
        ("Token dicabut", "Token revoked"),
        (
            "Token atau akun ini telah dicabut. Hubungi pengelola hak akses Anda.",
            "This token or account was revoked. Ask whoever manages your grants.",
        ),
    ),
    _problem(
        403,
        "forbidden",
        ("Tidak diizinkan", "Not allowed"),
        ("Peran Anda tidak mengizinkan tindakan ini.", "Your role does not allow this."),
    ),
    _problem(
        403,
        "scope_missing",
        ("Scope tidak ada", "Scope missing"),
        (
            "Token atau peran Anda tidak memiliki scope untuk tindakan ini.",
            "Your token or role lacks the scope of this operation.",
        ),
    ),
    _problem(
        403,
        "role_not_granted",
        ("Peran tidak dimiliki", "Role not held"),
        ("Pilih peran yang Anda pegang.", "Choose a role that you hold."),
    ),
    _problem(
        403,
        "area_out_of_scope",
        ("Wilayah di luar kewenangan", "Area outside your scope"),
        ("Pilih wilayah di dalam kewenangan Anda.", "Choose an area inside your scope."),
    ),
    _problem(
        403,
        "role_not_allowed",
        ("Peran tidak berwenang", "Role not allowed"),
        (
            "Peran Anda tidak boleh melakukan tindakan ini.",
            "Your role may not take this action.",
        ),
    ),
    _problem(
        403,
        "field_not_readable",
        ("Kolom tidak boleh dibaca", "Field not readable"),
        (
            "Kolom yang disebut termasuk data khusus: peran Anda tidak boleh membaca, menyaring, atau mengurutkannya di sini.",
            "The fields named are special data: your role may not read them, or filter or sort by them, here.",
        ),
    ),
    _problem(
        403,
        "override_ended",
        ("Akses darurat telah berakhir", "The override has ended"),
        (
            "Masa aksesnya lewat atau dicabut. Minta lagi dengan alasan bila masih perlu.",
            "It has expired or was revoked. Ask again, with a reason, if it is still needed.",
        ),
    ),
    _problem(
        403,
        "grant_unusable",
        ("Penugasan tidak dapat dipakai", "The grant cannot be used"),
        (
            "Minta administrator memeriksa penugasan Anda.",
            "Ask an administrator to check your grant.",
        ),
    ),
    _problem(
        403,
        "role_not_yours_to_give",
        ("Peran ini di luar wewenang Anda", "Not your role to give"),
        (
            "Peran Anda tidak boleh memberi atau mencabut peran ini.",
            "Your role may neither give nor take back this role.",
        ),
    ),
    _problem(
        403,
        "own_grant",
        ("Penugasan Anda sendiri", "Your own grant"),
        (
            "Minta orang lain; tidak ada yang memberi atau mencabut haknya sendiri.",
            "Ask somebody else: nobody gives or takes back the own rights.",
        ),
    ),
    # 404 to 409: what is asked for, and its state
    _problem(
        404,
        "not_found",
        ("Tidak ditemukan", "Not found"),
        ("Tidak ada, atau di luar kewenangan Anda.", "Absent, or outside your scope."),
    ),
    _problem(
        405,
        "method_not_allowed",
        ("Metode tidak diizinkan", "Method not allowed"),
        ("Pakai salah satu metode dalam header Allow.", "Use one of the methods in the Allow header."),
    ),
    _problem(
        406,
        "not_acceptable",
        ("Jenis jawaban tidak tersedia", "Media type not available"),
        ("Terima application/json.", "Accept application/json."),
    ),
    _problem(
        409,
        "conflict",
        ("Bertentangan dengan keadaan sekarang", "In conflict with the current state"),
        ("Baca kembali sumber daya, lalu putuskan lagi.", "Read the resource again, then decide anew."),
    ),
    _problem(
        409,
        "already_exists",
        ("Sudah ada", "Already exists"),
        ("Sumber daya yang sama sudah ada.", "An equal resource exists."),
    ),
    _problem(
        409,
        "revoked_already",
        ("Sudah dicabut", "Revoked already"),
        ("Tidak ada lagi yang perlu dicabut.", "There is nothing left to revoke."),
    ),
    _problem(
        409,
        "lifted_already",
        ("Pencabutan sudah dibatalkan", "Lifted already"),
        ("Pencabutan ini tidak berlaku lagi.", "This revocation is no longer in force."),
    ),
    _problem(
        409,
        "transition_not_allowed",
        ("Tindakan tidak tersedia", "Action not available"),
        (
            "Keadaan sekarang tidak mengizinkan tindakan ini; lihat allowed_actions.",
            "The current state does not allow this action; see allowed_actions.",
        ),
    ),
    _problem(
        409,
        "guard_refused",
        ("Syarat tindakan belum terpenuhi", "A condition of the action does not hold"),
        ("Lihat syarat tindakan ini di /v1/meta/lifecycles.", "See the action's guard at /v1/meta/lifecycles."),
    ),
    _problem(
        409,
        "request_in_flight",
        ("Permintaan yang sama masih berjalan", "The same request is still running"),
        ("Ulangi setelah waktu dalam Retry-After.", "Repeat it after Retry-After."),
    ),
    # 412 to 428: conditions and the form of the body
    _problem(
        412,
        "version_stale",
        ("Versi sudah berubah", "The version has changed"),
        (
            "Baca kembali sumber daya dan kirim ETag yang baru dalam If-Match.",
            "Read the resource again and send its new ETag in If-Match.",
        ),
    ),
    _problem(
        412,
        "id_taken",
        ("Id sudah dipakai", "The id is taken"),
        ("Sumber daya dengan id ini sudah ada.", "A resource with this id exists."),
    ),
    _problem(
        413,
        "payload_too_large",
        ("Isi terlalu besar", "The body is too large"),
        ("Kirim isi yang lebih kecil.", "Send a smaller body."),
    ),
    _problem(
        415,
        "unsupported_media_type",
        ("Jenis isi tidak didukung", "Unsupported media type"),
        ("Kirim jenis isi yang didokumentasikan.", "Send the documented media type."),
    ),
    _problem(
        428,
        "if_match_required",
        ("If-Match wajib", "If-Match required"),
        ("Kirim ETag sumber daya dalam If-Match.", "Send the resource's ETag in If-Match."),
    ),
    _problem(
        412,
        "resource_exists",
        ("Sumber daya sudah ada", "The resource exists"),
        (
            "Sudah ada sumber daya dengan id ini; tidak ada yang ditulis.",
            "There is one of this id; nothing was written.",
        ),
    ),
    _problem(
        428,
        "if_none_match_required",
        ("If-None-Match wajib", "If-None-Match required"),
        ("Kirim If-None-Match: * untuk membuat.", "Send If-None-Match: * to create."),
    ),
    _problem(
        400,
        "if_none_match_invalid",
        ("If-None-Match tidak sah", "If-None-Match not valid"),
        ("Hanya * yang diterima di sini.", "Only * is taken here."),
    ),
    # 422: readable, but wrong
    _problem(
        422,
        "content_invalid",
        ("Isi tidak dapat diterima", "The content is not acceptable"),
        ("Perbaiki anggota yang disebut dalam errors.", "Correct the members named in errors."),
    ),
    _problem(
        422,
        "idempotency_key_reused",
        ("Idempotency-Key dipakai ulang", "Idempotency-Key used again"),
        ("Pakai kunci baru untuk isi yang lain.", "Use a new key for other content."),
    ),
    _problem(
        422,
        "required",
        ("Wajib diisi", "Required"),
        ("Anggota ini wajib.", "This member is required."),
    ),
    _problem(
        422,
        "unknown_member",
        ("Anggota tidak dikenal", "Unknown member"),
        ("Anggota ini tidak dikenal di sini; hapus.", "This member is not known here; leave it out."),
    ),
    _problem(
        422,
        "type",
        ("Jenis nilai salah", "Wrong type"),
        ("Isi nilai dengan jenis yang didokumentasikan.", "Give a value of the documented type."),
    ),
    _problem(
        422,
        "range",
        ("Di luar rentang", "Out of range"),
        ("Isi nilai di dalam rentang yang didokumentasikan.", "Give a value inside the documented range."),
    ),
    _problem(
        422,
        "length",
        ("Panjang salah", "Wrong length"),
        ("Isi nilai dengan panjang yang didokumentasikan.", "Give a value of the documented length."),
    ),
    _problem(
        422,
        "items",
        ("Jumlah butir salah", "Wrong number of items"),
        ("Isi dengan jumlah butir yang didokumentasikan.", "Give as many items as documented."),
    ),
    _problem(
        422,
        "pattern",
        ("Pola tidak cocok", "Pattern not matched"),
        ("Isi nilai dengan pola yang didokumentasikan.", "Give a value of the documented pattern."),
    ),
    _problem(
        422,
        "format",
        ("Format salah", "Wrong format"),
        ("Isi nilai dengan format yang didokumentasikan.", "Give a value in the documented format."),
    ),
    _problem(
        422,
        "unknown_code",
        ("Kode tidak dikenal", "Unknown code"),
        ("Pakai salah satu kode yang didokumentasikan.", "Give one of the documented codes."),
    ),
    _problem(
        422,
        "time_zone_required",
        ("Zona waktu wajib", "Time zone required"),
        ("Sertakan selisih zona waktu atau Z.", "Give an offset or Z with the instant."),
    ),
    _problem(
        422,
        "invalid",
        ("Nilai tidak diizinkan", "Value not allowed"),
        ("Nilai ini tidak diizinkan di sini.", "This value is not allowed here."),
    ),
    _problem(
        422,
        "not_of_this_role",
        ("Tidak untuk peran ini", "Not of this role"),
        ("Sebutkan hanya yang dimiliki peran ini.", "Name what this role has, and nothing else."),
    ),
    _problem(
        422,
        "too_many_areas",
        ("Terlalu banyak wilayah", "Too many areas"),
        (
            "Beberapa wilayah bersama-sama paling banyak 1.000 desa dan kelurahan, termasuk kode lama.",
            "Several areas together have at most 1,000 villages, those of withdrawn codes included.",
        ),
    ),
    _problem(
        422,
        "reference_not_found",
        ("Rujukan tidak ditemukan", "Reference not found"),
        (
            "Tidak ada sumber daya dengan id ini di dalam kewenangan Anda.",
            "No resource with this id is in your scope.",
        ),
    ),
    _problem(
        422,
        "unknown_action",
        ("Tindakan tidak dikenal", "Unknown action"),
        (
            "Pakai tindakan dari allowed_actions.",
            "Use an action from allowed_actions.",
        ),
    ),
    _problem(
        422,
        "unknown_outcome",
        ("Hasil tidak dikenal", "Unknown outcome"),
        (
            "Pilih hasil yang tersedia untuk tindakan ini dari keadaan sekarang.",
            "Choose an outcome of this action from the present state.",
        ),
    ),
    _problem(
        422,
        "outcome_required",
        ("Hasil wajib disebut", "Outcome required"),
        (
            "Tindakan ini memiliki beberapa hasil; sebut satu.",
            "This action has several outcomes; name one.",
        ),
    ),
    _problem(
        422,
        "reason_required",
        ("Alasan wajib", "Reason required"),
        (
            "Tulis alasan dengan kata-kata yang boleh dibaca oleh pihak terkait.",
            "Say why, in words that the people concerned may read.",
        ),
    ),
    _problem(
        422,
        "out_of_range",
        ("Di luar batas", "Out of range"),
        (
            "Isi nilai di dalam batas yang didokumentasikan.",
            "Give a value inside the documented limits.",
        ),
    ),
    _problem(
        422,
        "id_mismatch",
        ("Id tidak cocok", "The id does not match"),
        (
            "Jenis atau nomor tenant dalam id berbeda dari alamat dan isi.",
            "Kind or tenant in the id differ from path and body.",
        ),
    ),
    _problem(
        422,
        "id_tells_the_hour",
        ("Id menyebut jam", "The id tells the hour"),
        (
            "Untuk pengaduan yang tidak terbuka, pakai awal hari (UTC) sebagai waktu dalam id.",
            "For a complaint that is not open, take the beginning of the day (UTC) as the id's time.",
        ),
    ),
    # 429 and 5xx: not now
    _problem(
        429,
        "too_many_requests",
        ("Terlalu banyak permintaan", "Too many requests"),
        ("Tunggu selama waktu dalam Retry-After.", "Wait for the time in Retry-After."),
    ),
    _problem(
        429,
        "quota_exhausted",
        ("Kuota hari ini habis", "Today's quota is used up"),
        (
            "Pencarian dan pembukaan nomor dibatasi per hari. Coba lagi setelah waktu dalam Retry-After.",
            "Lookups and reveals of numbers are limited by day. Try again after Retry-After.",
        ),
    ),
    _problem(
        500,
        "identity_unreadable",
        ("Nomor tidak dapat dibaca", "The number cannot be read"),
        (
            "Nomor yang tersimpan rusak atau kuncinya tidak ada. Laporkan trace_id kepada pengelola.",
            "The number as stored is damaged, or its key is gone. Report the trace_id to the operator.",
        ),
    ),
    _problem(
        500,
        "value_unreadable",
        ("Nilai tersimpan tidak dapat dibaca", "A stored value cannot be read"),
        (
            "Nilai yang diperlukan rusak atau kuncinya tidak ada; tidak ada yang diubah. Laporkan trace_id kepada pengelola.",
            "A value that this needs is damaged, or its key is gone; nothing was changed. Report the trace_id to the operator.",
        ),
    ),
    _problem(
        500,
        "internal_error",
        ("Kesalahan di pihak layanan", "Error of the service"),
        ("Laporkan trace_id kepada pengelola.", "Report the trace_id to the operator."),
    ),
    _problem(
        503,
        "unavailable",
        ("Layanan sedang tidak tersedia", "Not available now"),
        ("Coba lagi setelah waktu dalam Retry-After.", "Try again after Retry-After."),
    ),
    _problem(
        503,
        "overloaded",
        ("Layanan sedang penuh", "The service is at its limit"),
        ("Coba lagi setelah waktu dalam Retry-After.", "Try again after Retry-After."),
    ),
    _problem(
        503,
        "database_unavailable",
        ("Basis data tidak tersedia", "The database is not available"),
        ("Coba lagi setelah waktu dalam Retry-After.", "Try again after Retry-After."),
    ),
    _problem(
        503,
        "issuer_unavailable",
        ("Penerbit token tidak dapat dihubungi", "The token's issuer cannot be reached"),
        (
            "Token belum dapat diperiksa. Coba lagi setelah waktu dalam Retry-After.",
            "The token cannot be checked yet. Try again after Retry-After.",
        ),
    ),
    _problem(
        503,
        "timed_out",
        ("Waktu habis", "Out of time"),
        (
            "Coba lagi setelah waktu dalam Retry-After, dengan permintaan yang lebih kecil.",
            "Try again after Retry-After, with a smaller request.",
        ),
    ),
    _problem(
        503,
        "calendar_exhausted",
        ("Kalender belum lengkap", "The calendar ends too early"),
        (
            "Pengelola perlu memuat kalender tahun berikutnya.",
            "The operator must load the calendar of the next year.",
        ),
    ),
    _problem(
        503,
        "contended",
        ("Terlalu banyak perubahan bersamaan", "Too many changes at once"),
        (
            "Coba lagi setelah waktu dalam Retry-After.",
            "Try again after Retry-After.",
        ),
    ),
    _problem(
        503,
        "access_log_full",
        ("Catatan akses sedang penuh", "The access log is full"),
        (
            "Coba lagi setelah waktu dalam Retry-After.",
            "Try again after Retry-After.",
        ),
    ),
    # Domains: one block each, in the order of the house
    _problem(
        422,
        "area_withdrawn",
        ("Kode wilayah sudah dicabut", "The area code was withdrawn"),
        ("Pakai kode penerusnya dari edisi yang berlaku.", "Use its successor in the current edition."),
    ),
    _problem(
        422,
        "area_unknown",
        ("Kode wilayah tidak dikenal", "Unknown area code"),
        (
            "Pakai kode Kemendagri dari edisi yang berlaku.",
            "Use a Kemendagri code of the current edition.",
        ),
    ),
    _problem(
        422,
        "date_in_past",
        ("Tanggal sudah lewat", "Date in the past"),
        (
            "Isi tanggal hari ini atau sesudahnya.",
            "Give today or a later day.",
        ),
    ),
    _problem(
        422,
        "date_in_future",
        ("Tanggal di masa depan", "Date in the future"),
        (
            "Isi tanggal yang sudah lewat atau hari ini.",
            "Give a date that has come.",
        ),
    ),
    _problem(
        422,
        "order",
        ("Urutan tidak benar", "Wrong order"),
        (
            "Sebutkan masing-masing satu kali, dari yang terendah.",
            "Name each once, from the lowest up.",
        ),
    ),
    _problem(
        422,
        "instant_in_future",
        ("Waktu di masa depan", "Instant in the future"),
        (
            "Isi waktu yang sudah lewat.",
            "Give an instant that has passed.",
        ),
    ),
    _problem(
        422,
        "number_required",
        ("Nomor atau nama wajib diisi", "A number or a name is required"),
        ("Isi nik, kk atau name.", "Give nik, kk or name."),
    ),
    _problem(
        422,
        "one_number_only",
        ("Hanya satu nomor", "One number only"),
        ("Isi salah satu saja: nik, kk atau name.", "Give one of nik, kk and name."),
    ),
    _problem(
        422,
        "kk_malformed",
        ("Bentuk nomor KK salah", "Malformed KK number"),
        (
            "Isi 16 angka, atau kosongkan.",
            "Give 16 digits, or leave it out.",
        ),
    ),
    _problem(
        422,
        "nik_malformed",
        ("Bentuk NIK salah", "Malformed NIK"),
        (
            "Isi 16 angka, atau kosongkan.",
            "Give 16 digits, or leave it out.",
        ),
    ),
    _problem(
        409,
        "person_has_household",
        ("Sudah menjadi anggota rumah tangga", "Belongs to a household already"),
        ("Seseorang hanya bisa menjadi anggota satu rumah tangga.", "A person belongs to one household at a time."),
    ),
    _problem(
        409,
        "members_full",
        ("Anggota sudah penuh", "The household is full"),
        ("Jumlah anggota sudah mencapai batas.", "It has as many members as a household can have."),
    ),
    _problem(
        422,
        "one_person_required",
        ("Sebutkan satu orang", "Name one person"),
        ("Isi person_id atau person, salah satu saja.", "Give person_id or person, one of them."),
    ),
    _problem(
        422,
        "nothing_to_change",
        ("Tidak ada yang diubah", "Nothing to change"),
        ("Isi sedikitnya satu nilai yang diubah.", "Give at least one value to change."),
    ),
    _problem(
        422,
        "question_unknown",
        ("Pertanyaan tidak dikenal", "Unknown question"),
        (
            "Pakai pertanyaan instrumen ini yang ada di daftar kode, untuk orang atau keluarga.",
            "Use a question of this instrument that stands in the code lists, for persons or families.",
        ),
    ),
    _problem(
        422,
        "fact_unknown",
        ("Fakta tidak dikenal", "Unknown fact"),
        ("Pakai fakta dari daftar fakta.", "Give a fact of the vocabulary."),
    ),
    _problem(
        422,
        "fact_out_of_place",
        ("Fakta tidak pada tempatnya", "A fact out of its place"),
        (
            "Tanyakan fakta orang di dalam count, fakta keluarga di luarnya.",
            "Ask facts of persons inside count, facts of the household outside of it.",
        ),
    ),
    _problem(
        422,
        "fact_not_ordered",
        ("Fakta ini tidak berurutan", "The fact has no order"),
        (
            "Bandingkan kode dan ya-tidak hanya dengan = atau <>.",
            "Compare codes and yes-or-no facts with = or <> only.",
        ),
    ),
    _problem(
        422,
        "condition_impossible",
        ("Syarat mustahil dipenuhi", "The condition is impossible"),
        (
            "Tidak ada nilai yang memenuhinya: longgarkan, atau hapus salah satu bagiannya.",
            "No value meets it: widen it, or take one of its parts away.",
        ),
    ),
    _problem(
        422,
        "group_empty",
        ("Kelompok kosong", "An empty group"),
        ("Isi sedikitnya satu syarat, atau hapus kelompoknya.", "Name a condition, or leave the group out."),
    ),
    _problem(
        422,
        "dates_disordered",
        ("Urutan tanggal keliru", "Dates out of order"),
        (
            "Akhir harus setelah awal, dalam masa berlaku versi.",
            "Let the end come after the start, inside the validity of the version.",
        ),
    ),
    _problem(
        422,
        "criterion_code_repeated",
        ("Kode kriteria berulang", "A code is repeated"),
        (
            "Pakai setiap kode satu kali, atau untuk hari yang tidak bertumpang tindih.",
            "Give each code once in the rule, or for days that do not overlap.",
        ),
    ),
    _problem(
        422,
        "variant_replaces_nothing",
        ("Varian tidak menggantikan apa pun", "The variant replaces nothing"),
        (
            "Pakai kode kriteria atau komponen yang ada dalam aturan.",
            "Give a criterion or component of a code that the rule has.",
        ),
    ),
    _problem(
        422,
        "one_head_required",
        ("Harus ada satu kepala keluarga", "One head of household required"),
        (
            "Beri hubungan HEAD kepada tepat satu anggota.",
            "Give exactly one member the relation HEAD.",
        ),
    ),
    _problem(
        422,
        "case_split_required",
        ("Tentukan arah kasus", "Say where the case goes"),
        (
            "Kasus ini memuat orang di kedua pihak; sebutkan di cases apakah ikut pindah.",
            "The case has people on both sides; say in cases whether it goes.",
        ),
    ),
    _problem(
        422,
        "case_follows_people",
        ("Kasus mengikuti orangnya", "The case follows its people"),
        (
            "Hanya kasus dengan orang di kedua pihak yang perlu disebut.",
            "Name only cases with people on both sides.",
        ),
    ),
    _problem(
        422,
        "nobody_stays",
        ("Tidak ada yang tinggal", "Nobody stays"),
        (
            "Sebutkan yang keluar saja; jika semua pindah, gunakan move atau merge.",
            "Name those who leave only; where all leave, move or merge the household.",
        ),
    ),
    _problem(
        422,
        "members_incomplete",
        ("Anggota tidak lengkap", "Members are incomplete"),
        (
            "Sebutkan semua anggota rumah tangga ini, masing-masing satu kali.",
            "Name every member of this household, each once.",
        ),
    ),
    _problem(
        422,
        "died_before_birth",
        ("Meninggal sebelum lahir", "Died before birth"),
        (
            "Isi tanggal setelah tanggal lahir.",
            "Give a day after the day of birth.",
        ),
    ),
    _problem(
        422,
        "other_regency",
        ("Kabupaten/kota lain", "Another regency"),
        (
            "Isi desa/kelurahan di kabupaten/kota rumah tangga ini.",
            "Give a village of the regency of this household.",
        ),
    ),
    _problem(
        422,
        "sealed_intake_unavailable",
        ("Aduan tersegel tidak diterima", "Sealed reports are not taken"),
        (
            "Layanan ini tidak memegang kunci untuk aduan tersegel; pilih kerahasiaan lain.",
            "This service holds no keys for sealed reports; choose another confidentiality.",
        ),
    ),
    _problem(
        400,
        "too_many_parts",
        ("Terlalu banyak bagian", "Too many parts"),
        (
            "Minta tingkat wilayah yang lebih tinggi atau bulan yang lebih sedikit.",
            "Ask for a higher level of areas, or fewer months.",
        ),
    ),
    _problem(
        422,
        "sealed_names_nobody",
        ("Aduan tersegel tanpa tautan ke register", "A sealed report names nobody of the register"),
        (
            "Kosongkan isian ini dan sebutkan dalam uraian.",
            "Leave this out, and say it in the summary.",
        ),
    ),
    _problem(
        422,
        "sealed_without_client_id",
        ("Aduan tersegel tanpa id dari klien", "A sealed report has no id of the client"),
        (
            "Kirim aduan tersegel dengan POST, tanpa id.",
            "File a sealed report by POST, without an id.",
        ),
    ),
    _problem(
        422,
        "only_when_sealed",
        ("Hanya untuk aduan tersegel", "Only of a sealed report"),
        (
            "Kosongkan isian ini, atau pilih kerahasiaan SEALED.",
            "Leave this out, or choose the confidentiality SEALED.",
        ),
    ),
    _problem(
        422,
        "anonymous_has_no_reporter",
        ("Aduan anonim tanpa identitas", "An anonymous complaint has no reporter"),
        (
            "Kosongkan nama dan telepon pelapor, atau pilih kerahasiaan lain.",
            "Leave out the reporter's name and telephone number, or choose another confidentiality.",
        ),
    ),
    _problem(
        422,
        "subtype_of_other_category",
        ("Subjenis milik kategori lain", "Subtype of another category"),
        ("Pilih subjenis dari kategori yang diisi.", "Give a subtype of the category."),
    ),
    _problem(
        422,
        "not_of_this_action",
        ("Bukan isian tindakan ini", "Not a member of this action"),
        ("Kosongkan: tindakan ini tidak memerlukannya.", "Leave it out: the action takes none."),
    ),
    _problem(
        409,
        "objection_window_over",
        ("Masa sanggah sudah lewat", "The window for objections is over"),
        (
            "Sanggahan diterima sampai objection_until; setelah itu minta dibuka kembali.",
            "Objections are taken until objection_until; after that, have it reopened.",
        ),
    ),
    _problem(
        409,
        "reopen_window_over",
        ("Masa buka kembali sudah lewat", "The window for reopening is over"),
        (
            "Pelapor dapat meminta dibuka kembali sampai reopen_until; setelah itu ajukan pengaduan baru.",
            "The complainant may have it reopened until reopen_until; after that, file a new complaint.",
        ),
    ),
    _problem(
        409,
        "rated_already",
        ("Sudah dinilai", "Rated already"),
        ("Setiap penyelesaian dinilai satu kali.", "Each resolution is rated once."),
    ),
    _problem(
        409,
        "survivor_ended",
        ("Pengaduan tujuan sudah berakhir", "The other complaint has ended"),
        (
            "Gabungkan ke pengaduan yang masih berjalan, atau buka kembali dahulu.",
            "Merge into a complaint that still runs, or reopen it first.",
        ),
    ),
    _problem(
        409,
        "merge_lowers_confidentiality",
        ("Penggabungan menurunkan kerahasiaan", "The merge would lower the confidentiality"),
        (
            "Gabungkan ke pengaduan yang kerahasiaannya setara atau lebih tinggi.",
            "Merge into a complaint that keeps its complainant as well or better.",
        ),
    ),
    _problem(
        409,
        "merge_drops_accusation",
        ("Penggabungan menghilangkan pihak terlapor", "The merge would drop whom it accuses"),
        (
            "Gabungkan hanya ke pengaduan yang menyebut pihak terlapor yang sama.",
            "Merge only into a complaint that accuses the same.",
        ),
    ),
    _problem(
        409,
        "already_linked",
        ("Sudah tertaut", "Linked already"),
        (
            "Kedua pengaduan sudah tertaut; batalkan tautan itu dahulu.",
            "The two complaints are linked already; undo that link first.",
        ),
    ),
    _problem(
        409,
        "link_ended",
        ("Tautan sudah dibatalkan", "The link was undone already"),
        ("Muat ulang tautan pengaduan ini.", "Load the links of the complaint again."),
    ),
    _problem(
        429,
        "messages_exhausted",
        ("Terlalu banyak pesan", "Too many messages"),
        (
            "Dua puluh pesan sehari dari satu pelapor; coba lagi setelah Retry-After.",
            "Twenty messages a day from one complainant; try again after Retry-After.",
        ),
    ),
    _problem(
        422,
        "outcome_contradicts",
        ("Hasil bertentangan", "The outcome says otherwise"),
        (
            "Hasil sudah menyatakan apakah layanan diberikan; hapus service_realized atau samakan.",
            "The outcome tells whether a service was given; leave service_realized out or say the same.",
        ),
    ),
    _problem(
        422,
        "outcome_of_other_action",
        ("Hasil milik tindakan lain", "The outcome comes with another action"),
        ("Gunakan REJECT_COMPETENCE atau LAPSE untuk hasil ini.", "Use REJECT_COMPETENCE or LAPSE for this outcome."),
    ),
    _problem(
        409,
        "merged_already",
        ("Aduan itu sendiri sudah digabung", "That complaint was merged itself"),
        ("Pilih aduan yang masih berjalan.", "Choose the complaint that goes on."),
    ),
    _problem(
        429,
        "receipt_closed",
        ("Tanda terima ditutup sementara", "The receipt is closed for a while"),
        (
            "Terlalu banyak rahasia yang salah. Coba lagi setelah waktu dalam Retry-After.",
            "Too many wrong secrets. Try again after Retry-After.",
        ),
    ),
    _problem(
        409,
        "registry_not_loaded",
        ("Data registri belum dimuat", "No registry release is loaded"),
        (
            "Muat rilis registri untuk kabupaten/kota ini lebih dahulu.",
            "Load a release of the registry for this regency first.",
        ),
    ),
    _problem(
        409,
        "assessment_missing",
        ("Asesmen belum ada", "No assessment yet"),
        (
            "Catat asesmen dan paling sedikit satu kebutuhan.",
            "Record an assessment and at least one need.",
        ),
    ),
    _problem(
        409,
        "need_missing",
        ("Tidak ada kebutuhan terbuka", "No open need"),
        (
            "Tambahkan kebutuhan baru, atau tutup kasus.",
            "Add a new need, or close the case.",
        ),
    ),
    _problem(
        409,
        "household_ended",
        ("Rumah tangga sudah berakhir", "The household has ended"),
        (
            "Lihat ended_as dan successor_id; lanjutkan pada penerusnya.",
            "Look at ended_as and successor_id; go on with its successor.",
        ),
    ),
    _problem(
        409,
        "person_ended",
        ("Data orang ini sudah berakhir", "The person's row has ended"),
        (
            "Lihat ended_as dan successor_id orang ini.",
            "Look at ended_as and successor_id of the person.",
        ),
    ),
    _problem(
        409,
        "nik_missing",
        ("Orang ini belum memiliki NIK", "The person has no NIK"),
        (
            "Tanpa NIK tidak ada yang dapat dipadankan; catat NIK-nya dahulu.",
            "Without a NIK nothing can be compared; record the NIK first.",
        ),
    ),
    _problem(
        409,
        "civil_registry_absent",
        ("Tidak tersambung ke Dukcapil", "Not connected to the civil registry"),
        (
            "Layanan ini belum disambungkan ke pencatatan sipil; hubungi pengelolanya.",
            "This service is not connected to the civil registry; ask whoever runs it.",
        ),
    ),
    _problem(
        422,
        "household_required",
        ("Sebutkan rumah tangganya", "Name the household"),
        (
            "Kedua data ada di rumah tangga yang berbeda; sebutkan di household_id yang tetap berlaku.",
            "The two belong to different households; name in household_id the one that stays.",
        ),
    ),
    _problem(
        409,
        "duplicate_run_under_way",
        ("Pencarian data ganda sedang berjalan", "A run is under way"),
        (
            "Tunggu sampai selesai; lihat kemajuannya.",
            "Wait until it is done; look at its progress.",
        ),
    ),
    _problem(
        409,
        "undo_blocked",
        ("Tidak dapat dibatalkan", "Cannot be undone"),
        (
            "Sudah dibatalkan, atau ada perubahan sesudahnya yang bergantung padanya; batalkan itu dahulu.",
            "It is undone already, or something has changed since that depends on it; undo that first.",
        ),
    ),
    _problem(
        409,
        "handover_under_way",
        ("Sudah ditawarkan", "Offered already"),
        (
            "Tunggu jawaban atas penawaran yang ada, atau tarik kembali dahulu.",
            "Wait for the answer to the present offer, or withdraw it first.",
        ),
    ),
    _problem(
        409,
        "handover_not_ready",
        ("Belum dapat diserahkan", "Not ready to be handed over"),
        (
            "Pihak yang menawarkan perlu menyelesaikan rujukan yang berjalan dan kebutuhan orang yang tidak ikut pindah.",
            "The side that offers has to finish running referrals, and needs of people who do not go.",
        ),
    ),
    _problem(
        409,
        "other_side_decides",
        ("Diputuskan pihak lain", "The other side decides"),
        (
            "Langkah ini milik kabupaten/kota di pihak lain.",
            "This step belongs to the regency on the other side.",
        ),
    ),
    _problem(
        409,
        "case_handed_over",
        ("Kasus sudah diserahkan", "The case was handed over"),
        (
            "Kasus ini dilanjutkan di kabupaten/kota lain; lihat successor_id.",
            "It goes on in another regency; see successor_id.",
        ),
    ),
    _problem(
        422,
        "same_regency",
        ("Kabupaten/kota yang sama", "The same regency"),
        (
            "Isi wilayah di kabupaten/kota lain; di dalam kabupaten/kota, catat pindah.",
            "Give an area of another regency; within the regency, move the household.",
        ),
    ),
    _problem(
        409,
        "needs_open",
        ("Masih ada kebutuhan terbuka", "Needs are still open"),
        (
            "Selesaikan atau batalkan kebutuhan yang masih terbuka.",
            "Finish or cancel the needs that are still open.",
        ),
    ),
    _problem(
        409,
        "needs_full",
        ("Kebutuhan terlalu banyak", "Too many needs"),
        (
            "Buka kasus lain untuk kebutuhan selanjutnya.",
            "Open another case for further needs.",
        ),
    ),
    _problem(
        409,
        "need_not_open",
        ("Kebutuhan tidak lagi terbuka", "The need is not open"),
        (
            "Muat ulang kasus dan periksa status kebutuhannya.",
            "Read the case again and look at the status of the need.",
        ),
    ),
    _problem(
        409,
        "referrals_open",
        ("Masih ada rujukan berjalan", "Referrals are still running"),
        (
            "Tunggu atau cabut rujukan yang masih berjalan.",
            "Wait for the referrals that still run, or revoke them.",
        ),
    ),
    _problem(
        409,
        "recommender_may_not_decide",
        ("Perekomendasi tidak boleh memutuskan", "Who recommended may not decide"),
        (
            "Minta pejabat lain menetapkan atau mengembalikan.",
            "Let somebody else confirm or return it.",
        ),
    ),
    _problem(
        409,
        "case_not_in_assessment",
        ("Kasus tidak dalam asesmen", "The case is not in assessment"),
        (
            "Bawa kasus ke asesmen atau re-asesmen lebih dahulu.",
            "Bring the case to assessment or re-assessment first.",
        ),
    ),
    _problem(
        409,
        "case_not_in_service",
        ("Kasus tidak dalam layanan", "The case is not in service"),
        (
            "Mulai layanan kasus lebih dahulu.",
            "Start the service of the case first.",
        ),
    ),
    _problem(
        409,
        "escalation_unchanged",
        ("Sudah berada di tingkat itu", "It is at that level already"),
        (
            "Pilih tingkat lain, atau biarkan seperti semula.",
            "Choose another level, or leave it as it is.",
        ),
    ),
    _problem(
        409,
        "rung_not_in_ladder",
        ("Jenjang itu tidak berlaku di sini", "The ladder has no such rung for it"),
        (
            "Pilih jenjang dari tangga eskalasi wilayah pengaduan; pengaduan integritas naik ke inspektorat, bukan bupati.",
            "Choose a rung of the ladder of its place; complaints about integrity go to the inspectorate, not the regent.",
        ),
    ),
    _problem(
        409,
        "rung_accused",
        ("Di jenjang itu hanya ada terlapor", "Nobody but the accused is at that rung"),
        (
            "Pilih jenjang yang lebih tinggi.",
            "Choose a higher rung.",
        ),
    ),
    _problem(
        409,
        "sealed_not_escalated",
        ("Laporan tersegel tidak dieskalasi", "A sealed report is not escalated"),
        (
            "Laporan ini ditangani oleh unit yang ditunjuk.",
            "It is handled by the unit that was designated.",
        ),
    ),
    _problem(
        409,
        "complaint_closed",
        ("Pengaduan sudah selesai", "The complaint has ended"),
        (
            "Buka kembali pengaduan itu, atau biarkan.",
            "Reopen that complaint, or leave it.",
        ),
    ),
    _problem(
        409,
        "ladder_not_later",
        ("Tangga eskalasi bukan yang terbaru", "The ladder is not the latest"),
        (
            "Sudah ada tangga dengan hari mulai yang sama atau lebih kemudian, atau dengan nama itu. Pilih yang lain.",
            "There is one of the same or a later first day, or of that name. Choose others.",
        ),
    ),
    _problem(
        409,
        "ladder_ended",
        ("Tangga eskalasi sudah berakhir", "The ladder has ended"),
        (
            "Nyatakan tangga baru.",
            "Declare another one.",
        ),
    ),
    _problem(
        409,
        "ladder_of_the_nation",
        ("Tangga nasional tidak diakhiri", "The ladder of the nation is not ended"),
        (
            "Gantilah dengan yang baru.",
            "Replace it by another one.",
        ),
    ),
    _problem(
        409,
        "accused_may_not_handle",
        ("Terlapor tidak boleh menangani", "Who is accused may not handle it"),
        (
            "Pengaduan ini menyangkut Anda atau kantor Anda, atau kantor Anda tidak diketahui. Serahkan kepada pihak lain.",
            "The complaint accuses you or your office, or your office is not known. Leave it to somebody else.",
        ),
    ),
    _problem(
        409,
        "forward_to_accused",
        ("Tidak dapat diteruskan kepada terlapor", "Not to be forwarded to who is accused"),
        (
            "Teruskan kepada organisasi lain yang tidak dilaporkan.",
            "Forward it to an organization that it does not accuse.",
        ),
    ),
    _problem(
        409,
        "case_closed",
        ("Kasus sudah selesai", "The case has ended"),
        (
            "Buka kembali kasus itu, atau pilih yang lain.",
            "Reopen that case, or choose another.",
        ),
    ),
    _problem(
        409,
        "complaint_has_case",
        ("Pengaduan sudah memiliki kasus", "The complaint has a case"),
        (
            "Lanjutkan kasus yang disebut oleh pengaduan itu.",
            "Go on with the case that the complaint names.",
        ),
    ),
    _problem(
        422,
        "household_mismatch",
        ("Keluarga tidak sama", "Another household"),
        (
            "Sebut keluarga yang dimaksud oleh pengaduan itu.",
            "Name the household that the complaint is about.",
        ),
    ),
    _problem(
        409,
        "consent_required",
        ("Persetujuan diperlukan", "Consent is required"),
        (
            "Catat persetujuan orangnya untuk berbagi data dengan LKS, atau kirim dengan alasan oleh yang berwenang.",
            "Record the person's consent to sharing with the organization, or let someone entitled send with a reason.",
        ),
    ),
    _problem(
        409,
        "basis_not_withdrawable",
        ("Dasar ini tidak dapat ditarik", "This basis cannot be withdrawn"),
        (
            "Hanya persetujuan yang dapat ditarik; tugas publik dan kepentingan vital tidak bergantung padanya.",
            "Only consent can be withdrawn; a public task and a vital interest do not depend on it.",
        ),
    ),
    _problem(
        409,
        "case_not_emergency",
        ("Kasus ini bukan keadaan darurat", "The case is no emergency"),
        (
            "Kepentingan vital hanya berlaku dalam kasus darurat.",
            "A vital interest is recorded for a case that is marked as an emergency.",
        ),
    ),
    _problem(
        409,
        "override_not_needed",
        ("Tidak perlu akses darurat", "No override is needed"),
        ("Sumber daya ini sudah dalam kewenangan Anda.", "The resource is within your scope: read it directly."),
    ),
    _problem(
        409,
        "auto_not_allowed",
        ("Layanan ini tidak dirujuk otomatis", "This service is not routed automatically"),
        (
            "Pilih organisasi penerima dari daftar calon.",
            "Choose an organization among the candidates.",
        ),
    ),
    _problem(
        409,
        "nothing_asked",
        ("Tidak ada pertanyaan penerima", "The receiver asked nothing"),
        (
            "Jawab saat penerima menelaah rujukan dan menanyakan sesuatu.",
            "Answer while the receiver reviews the referral and has asked something.",
        ),
    ),
    _problem(
        409,
        "no_receiver",
        ("Tidak ada penerima rujukan", "No receiver for the referral"),
        (
            "Pilih organisasi penerima sendiri atau ubah kebutuhannya.",
            "Choose an organization yourself, or change the need.",
        ),
    ),
    _problem(
        422,
        "service_not_offered",
        ("Layanan tidak disediakan", "Service not offered"),
        (
            "Pilih layanan yang disediakan organisasi ini.",
            "Name a service that the organization offers.",
        ),
    ),
    _problem(
        422,
        "duplicate",
        ("Disebut dua kali", "Named twice"),
        (
            "Sebut setiap hal satu kali saja.",
            "Name each thing once.",
        ),
    ),
    _problem(
        409,
        "capacity_in_use",
        ("Kuota sudah terpakai", "Capacity already in use"),
        (
            "Kuota tidak boleh kurang dari tempat yang sudah terpakai.",
            "Set no fewer places than referrals have taken already.",
        ),
    ),
    _problem(
        409,
        "no_capacity",
        ("Kuota sudah habis", "No place left"),
        (
            "Pilih organisasi lain atau tunggu bulan berikutnya.",
            "Choose another organization, or wait for the next month.",
        ),
    ),
    _problem(
        409,
        "organization_cannot_take",
        ("Organisasi tidak dapat menerima rujukan ini", "The organization cannot take this referral"),
        (
            "Pilih dari daftar calon penerima rujukan ini.",
            "Choose one of the candidates of this referral.",
        ),
    ),
    _problem(
        409,
        "program_not_open",
        ("Program tidak dibuka di sini", "The program is not open here"),
        (
            "Pilih program yang dibuka hari ini di wilayah kasus.",
            "Choose a program that is open today in the area of the case.",
        ),
    ),
    _problem(
        422,
        "receiver_required",
        ("Penerima wajib disebut", "A receiver is required"),
        (
            "Sebut organization_id, atau routing AUTO.",
            "Name an organization_id, or routing AUTO.",
        ),
    ),
    _problem(
        422,
        "basis_not_for_purpose",
        ("Dasar tidak sesuai tujuan", "Basis not for this purpose"),
        ("Isi dasar yang berlaku untuk tujuan itu.", "Give a basis that the purpose accepts."),
    ),
    _problem(
        422,
        "consent_evidence_required",
        ("Bukti persetujuan wajib", "Evidence of the consent is required"),
        ("Sebutkan bagaimana persetujuan diberikan.", "Say how the consent was given."),
    ),
    _problem(
        422,
        "evidence_required",
        ("Bukti wajib diisi", "Evidence is required"),
        (
            "Uraikan layanan yang diterima klien dan buktinya.",
            "Say what the client received, and what proves it.",
        ),
    ),
    _problem(
        422,
        "not_for_this_action",
        ("Tidak berlaku untuk tindakan ini", "Not for this action"),
        (
            "Kosongkan bagian ini untuk tindakan ini.",
            "Leave this member out for this action.",
        ),
    ),
    _problem(
        409,
        "receipt_already_confirmed",
        ("Penerimaan sudah dikonfirmasi", "Receipt already confirmed"),
        (
            "Tidak ada yang perlu dilakukan lagi.",
            "There is nothing left to do.",
        ),
    ),
    _problem(
        409,
        "respond_by_not_passed",
        ("Batas jawaban belum lewat", "The time to respond has not passed"),
        (
            "Tunggu sampai batas waktu jawaban lewat.",
            "Wait until the time to respond has passed.",
        ),
    ),
    # GraphQL requests
    _problem(
        400,
        "graphql_request_invalid",
        ("Permintaan GraphQL tidak sah", "Not a GraphQL request"),
        (
            "Kirim objek JSON dengan query atau documentId, variables, operationName dan extensions.",
            "Send a JSON object with query or documentId, variables, operationName and extensions.",
        ),
    ),
    _problem(
        400,
        "graphql_syntax",
        ("Dokumen GraphQL tidak dapat dibaca", "The GraphQL document cannot be read"),
        (
            "Perbaiki sintaks pada tempat yang disebut.",
            "Correct the syntax at the named place.",
        ),
    ),
    _problem(
        400,
        "graphql_invalid",
        ("Dokumen GraphQL tidak sesuai skema", "The GraphQL document does not fit the schema"),
        (
            "Bandingkan dengan skema pada tempat yang disebut.",
            "Compare with the schema at the named places.",
        ),
    ),
    _problem(
        400,
        "graphql_operation_unknown",
        ("Operasi tidak ada", "No such operation"),
        (
            "Sebut satu operasi dokumen dalam operationName.",
            "Name one operation of the document in operationName.",
        ),
    ),
    _problem(
        400,
        "graphql_variables",
        ("Variabel tidak sah", "Invalid variables"),
        (
            "Beri setiap variabel nilai bertipe yang dinyatakan.",
            "Give each variable a value of its declared type.",
        ),
    ),
    _problem(
        400,
        "graphql_limit",
        ("Permintaan GraphQL terlalu besar", "The GraphQL request is too large"),
        (
            "Minta lebih sedikit; batas yang terlewati disebut.",
            "Ask for less; the limit that was passed is named.",
        ),
    ),
    _problem(
        403,
        "own_draft",
        ("Rancangan sendiri", "Your own draft"),
        (
            "Yang membuat rancangan tidak menerbitkannya: minta orang lain.",
            "Who drafted a version does not publish it: ask another person.",
        ),
    ),
    _problem(
        403,
        "own_check",
        ("Hasil pemeriksaan sendiri", "Your own check"),
        (
            "Yang menjalankan pemeriksaan tidak memutus peninjauannya: minta orang lain.",
            "Who ran the check does not decide its review: ask another person.",
        ),
    ),
    _problem(
        409,
        "not_own_request",
        ("Bukan permintaan sendiri", "Not your own request"),
        (
            "Hanya yang mencatat permintaan yang dapat menariknya.",
            "Only whoever recorded the request withdraws it.",
        ),
    ),
    _problem(
        409,
        "version_immutable",
        ("Versi tidak dapat diubah", "The version cannot change"),
        (
            "Yang sudah diterbitkan tidak berubah: buat versi berikutnya.",
            "What was published does not change: draft the next version.",
        ),
    ),
    _problem(
        409,
        "version_overlap",
        ("Masa berlaku bertumpuk", "The days overlap"),
        (
            "Versi lain berlaku pada sebagian hari itu: ubah valid_from atau valid_to, atau tarik versi itu.",
            "Another version is in force on some of these days: change valid_from or valid_to, or withdraw that version.",
        ),
    ),
    _problem(
        409,
        "no_version_in_force",
        ("Tidak ada aturan yang berlaku", "No rule is in force"),
        (
            "Program ini tidak punya versi yang berlaku pada hari itu.",
            "The program has no version in force on that day.",
        ),
    ),
    _problem(
        409,
        "enrollment_overlap",
        ("Sudah tercatat menerima", "Received already"),
        (
            "Program yang sama sudah tercatat diterima pada sebagian hari itu.",
            "The same program is received on some of these days already.",
        ),
    ),
    _problem(
        409,
        "list_not_newer",
        ("Daftar tidak lebih baru", "The list is no newer"),
        (
            "Nyatakan daftar dari hari yang lebih baru.",
            "Declare a list of a later day.",
        ),
    ),
    _problem(
        409,
        "rule_altered",
        ("Aturan tidak lagi utuh", "The rule was altered"),
        (
            "Isi versi tidak sesuai dengan sidiknya; hubungi pengelola layanan.",
            "The version is not what its digest says; tell the operator of the service.",
        ),
    ),
    _problem(
        409,
        "sealed_access_own",
        ("Permintaan sendiri", "Your own request"),
        (
            "Permintaan membuka identitas diputuskan oleh pemegang hak yang lain.",
            "Another holder of the right decides on a request for an identity.",
        ),
    ),
    _problem(
        409,
        "sealed_access_of_another",
        ("Permintaan orang lain", "The request of somebody else"),
        (
            "Hanya peminta yang dapat menarik permintaan ini atau membuka identitasnya.",
            "Only whoever asked may withdraw this request or be shown the identity.",
        ),
    ),
    _problem(
        409,
        "sealed_access_open",
        ("Permintaan masih terbuka", "A request is open"),
        (
            "Anda sudah meminta identitas laporan ini: gunakan permintaan itu atau tarik dulu.",
            "You have asked for the identity of this report: use that request, or withdraw it first.",
        ),
    ),
    _problem(
        409,
        "sealed_access_expired",
        ("Persetujuan sudah berakhir", "The grant has ended"),
        (
            "Ajukan permintaan baru untuk membuka identitas.",
            "Ask anew to be shown the identity.",
        ),
    ),
    _problem(
        409,
        "screening_under_way",
        ("Penyaringan sedang berjalan", "A screening is under way"),
        (
            "Wilayah ini sedang disaring: tunggu sampai selesai, atau hentikan.",
            "This area is being screened: wait until it is done, or stop it.",
        ),
    ),
    _problem(
        422,
        "not_among_programs",
        ("Program rancangan tidak disebut", "The draft's program is not named"),
        (
            "Sebut program rancangan itu dalam program_codes, atau kosongkan program_codes.",
            "Name the draft's program in program_codes, or leave program_codes out.",
        ),
    ),
    _problem(
        422,
        "unit_of_program",
        ("Satuan penerima tidak sesuai", "Not the unit of the program"),
        (
            "Pakai satuan penerima program ini.",
            "Give the unit that is entitled to the program.",
        ),
    ),
    _problem(
        422,
        "area_criterion_required",
        ("Syarat wilayah diperlukan", "An area is required"),
        (
            "Tambahkan syarat wilayah program ini: kondisi bertipe area.",
            "Require the area of the program: a condition of type area.",
        ),
    ),
    _problem(
        422,
        "area_of_level",
        ("Wilayah tidak sesuai tingkatnya", "Not an area of that level"),
        (
            "Sebut wilayah setingkat dengan penyelenggara program.",
            "Give an area of the level that runs the program.",
        ),
    ),
    _problem(
        422,
        "rule_of_another_program",
        ("Aturan program lain", "The rule of another program"),
        (
            "Sebut kode program pada alamatnya.",
            "Give the code of the program in the path.",
        ),
    ),
    _problem(
        422,
        "variants_exclusive",
        ("Varian saling meniadakan", "Variants exclude each other"),
        (
            "Pilih satu dari varian yang mengganti hal yang sama.",
            "Choose one of those that replace the same.",
        ),
    ),
    _problem(
        422,
        "nothing_to_verify",
        ("Tidak ada temuan", "Nothing to verify"),
        (
            "Tidak ada temuan yang mengecualikan: mintalah HUMAN_REVIEW.",
            "Nothing excluded it: ask for a HUMAN_REVIEW.",
        ),
    ),
    _problem(
        422,
        "outcome_unchanged",
        ("Hasil tidak berubah", "The outcome is the same"),
        (
            "Hasilnya sudah demikian: tetapkan saja.",
            "It is that already: uphold the result.",
        ),
    ),
    _problem(
        400,
        "graphql_page_required",
        ("Halaman harus disebut", "Name a page"),
        (
            "Beri first atau last pada setiap koneksi.",
            "Give first or last on every connection.",
        ),
    ),
    _problem(
        400,
        "graphql_page_size",
        ("Ukuran halaman tidak sah", "Invalid page size"),
        (
            "Minta 1 sampai 200 baris.",
            "Ask for 1 to 200 rows.",
        ),
    ),
    _problem(
        400,
        "graphql_document_unknown",
        ("Dokumen tersimpan tidak dikenal", "Unknown persisted document"),
        (
            "Kirim query, atau daftarkan dokumen ini pada layanan.",
            "Send a query, or register this document with the service.",
        ),
    ),
    _problem(
        400,
        "graphql_document_required",
        ("Hanya dokumen tersimpan", "Persisted documents only"),
        (
            "Layanan ini hanya menjalankan dokumen terdaftar: kirim documentId.",
            "This service runs registered documents only: send a documentId.",
        ),
    ),
    _problem(
        400,
        "graphql_get_query",
        ("GET hanya untuk dokumen tersimpan", "GET is for persisted documents"),
        (
            "Kirim query dengan POST; mutasi selalu dengan POST.",
            "Send queries by POST; mutations always by POST.",
        ),
    ),
    _problem(
        403,
        "graphql_introspection_off",
        ("Introspeksi dimatikan", "Introspection is off"),
        (
            "Pakai skema yang diterbitkan, atau token dengan scope graphql:introspect.",
            "Use the published schema, or a token with the scope graphql:introspect.",
        ),
    ),
    _problem(
        422,
        "deadline_range_invalid",
        ("Rentang hari tidak sah", "The range of days is not valid"),
        (
            "Isi awal dan akhir yang berurutan dan termuat di kalender.",
            "Give a first and a last day in order, within the calendar.",
        ),
    ),
    _problem(
        422,
        "office_windows_invalid",
        ("Jam kerja tidak sah", "The office hours are not valid"),
        (
            "Isi jam buka dan tutup setiap hari secara berurutan.",
            "Give the openings and closings of each day in order.",
        ),
    ),
    _problem(
        422,
        "promise_in_past",
        ("Mulai berlaku di masa lalu", "It begins in the past"),
        ("Janji layanan berlaku mulai hari ini atau sesudahnya.", "A service level begins today or later."),
    ),
    _problem(
        422,
        "event_conflicts",
        ("Peristiwa bertentangan", "The events contradict each other"),
        (
            "Yang memulai jam tidak memenuhi atau menjedanya.",
            "What starts a clock neither meets nor pauses it.",
        ),
    ),
    _problem(
        422,
        "pause_without_limit",
        ("Jeda tanpa batas", "A pause without a limit"),
        (
            "Isi pauses_in, pause_limit dan pause_unit bersama-sama.",
            "Give pauses_in, pause_limit and pause_unit together: no pause is endless.",
        ),
    ),
    _problem(
        422,
        "give_one_of_two",
        ("Isi salah satu", "Give one of the two"),
        ("Isi salah satu, tidak keduanya.", "Give one of the two, not both."),
    ),
    _problem(
        409,
        "policy_overlaps",
        ("Janji layanan sudah diputuskan", "A service level is decided already"),
        (
            "Untuk hari itu atau sesudahnya sudah ada janji layanan yang sama; akhiri dahulu.",
            "One of the same kind begins on that day or later; end it first.",
        ),
    ),
    _problem(
        409,
        "policy_shipped",
        ("Janji layanan bawaan", "A service level of the platform"),
        (
            "Yang bawaan tidak diakhiri; putuskan yang baru sebagai gantinya.",
            "Those of the platform do not end; decide one of your own in their place.",
        ),
    ),
    _problem(
        409,
        "policy_ended",
        ("Janji layanan sudah berakhir", "The service level has ended"),
        ("Putuskan yang baru.", "Decide a new one."),
    ),
    # attachments
    _problem(
        400,
        "upload_header_invalid",
        ("Header unggahan tidak sah", "Upload header invalid"),
        (
            "Kirim `Upload-Offset` berupa bilangan bulat, dan `Upload-Complete` berupa `?0` atau `?1`.",
            "Send `Upload-Offset` as an integer, and `Upload-Complete` as `?0` or `?1`.",
        ),
    ),
    _problem(
        409,
        "upload_offset_mismatch",
        ("Bagian tidak menyambung", "The part does not follow"),
        ("Lanjutkan dari `Upload-Offset` dalam jawaban ini.", "Go on from the `Upload-Offset` of this answer."),
    ),
    _problem(
        409,
        "upload_closed",
        ("Unggahan sudah berakhir", "The upload has ended"),
        (
            "Lihat `status` lampiran; buat lampiran baru bila perlu.",
            "See its `status`; make a new attachment if need be.",
        ),
    ),
    _problem(
        409,
        "upload_incomplete",
        ("Unggahan belum lengkap", "The upload is not complete"),
        ("Kirim sisanya mulai dari `Upload-Offset`.", "Send what is left, from `Upload-Offset` on."),
    ),
    _problem(
        409,
        "attachment_not_ready",
        ("Lampiran belum siap", "The attachment is not ready"),
        ("Hanya lampiran berstatus READY yang dapat dibuka.", "Only what is READY can be opened."),
    ),
    _problem(
        409,
        "too_many_attachments",
        ("Terlalu banyak lampiran", "Too many attachments"),
        (
            "Tarik lampiran yang tidak diperlukan, atau lampirkan ke sumber daya lain.",
            "Withdraw what is not needed, or attach to another resource.",
        ),
    ),
    _problem(
        409,
        "not_your_attachment",
        ("Bukan lampiran Anda", "Not your attachment"),
        ("Hanya pengunggah atau kantor yang dapat menariknya.", "Only who uploaded it, or an office, can withdraw it."),
    ),
    _problem(
        413,
        "attachment_too_large",
        ("Berkas terlalu besar", "The file is too large"),
        ("Perkecil berkasnya; batasnya ada pada `Upload-Limit`.", "Make it smaller; `Upload-Limit` tells the limit."),
    ),
    _problem(
        422,
        "upload_exceeds_size",
        ("Lebih besar dari yang dinyatakan", "More than was declared"),
        ("Kirim tidak lebih dari `size` yang dinyatakan.", "Send no more bytes than were declared."),
    ),
    _problem(
        422,
        "digest_malformed",
        ("SHA-256 tidak sah", "Not a SHA-256"),
        ("Kirim 32 byte SHA-256 dalam base64.", "Give the 32 bytes of a SHA-256 in base64."),
    ),
    _problem(
        503,
        "attachments_unavailable",
        ("Penyimpanan lampiran tidak tersedia", "The store of attachments is not available"),
        ("Coba lagi sebentar lagi.", "Try again in a moment."),
    ),
    # plans, notes, assignments, emergencies and merges of cases
    _problem(
        409,
        "tasks_open",
        ("Tugas darurat belum selesai", "Tasks of the emergency are open"),
        (
            "Lengkapi dahulu yang dilewati: identitas, data terpadu, asesmen, persetujuan.",
            "First make good what was skipped: identity, registry, assessment, consent.",
        ),
    ),
    _problem(
        409,
        "task_not_open",
        ("Tidak ada tugas terbuka", "No such task is open"),
        (
            "Kasus ini tidak menunggu hal tersebut.",
            "The case does not wait for this.",
        ),
    ),
    _problem(
        422,
        "one_of",
        ("Pilih tepat satu", "Exactly one is wanted"),
        (
            "Sebutkan tepat satu penanggung jawab.",
            "Name exactly one who is responsible.",
        ),
    ),
    _problem(
        409,
        "plan_full",
        ("Rencana penuh", "The plan is full"),
        (
            "Satu kasus memuat paling banyak 100 baris rencana.",
            "A case holds at most 100 lines of a plan.",
        ),
    ),
    _problem(
        409,
        "notes_full",
        ("Catatan penuh", "The notes are full"),
        (
            "Satu kasus memuat paling banyak 1.000 catatan.",
            "A case holds at most 1,000 notes.",
        ),
    ),
    _problem(
        403,
        "not_the_author",
        ("Bukan penulisnya", "Not its author"),
        (
            "Hanya penulis atau pengambil keputusan yang dapat menghapus catatan.",
            "Only its author, or who decides cases, erases a note.",
        ),
    ),
    _problem(
        409,
        "note_erased",
        ("Catatan sudah dihapus", "The note is erased"),
        (
            "Catatan ini sudah dihapus.",
            "This note was erased before.",
        ),
    ),
    _problem(
        409,
        "assignee_unchanged",
        ("Petugas tidak berubah", "The officer is the same"),
        (
            "Kasus ini sudah ditangani petugas itu.",
            "The case is that officer's already.",
        ),
    ),
    _problem(
        409,
        "assignment_offered",
        ("Serah terima menunggu jawaban", "A hand-over waits for its answer"),
        (
            "Tunggu jawaban atau tarik kembali tawarannya.",
            "Wait for the answer, or withdraw the offer.",
        ),
    ),
    _problem(
        403,
        "not_the_assignee",
        ("Bukan petugas kasus ini", "Not the officer of the case"),
        (
            "Hanya petugasnya atau pimpinan yang menyerahkan kasus.",
            "Only its officer, or who leads, hands a case over.",
        ),
    ),
    _problem(
        409,
        "no_assignment_offered",
        ("Tidak ada tawaran", "Nothing is offered"),
        (
            "Kasus ini tidak sedang ditawarkan.",
            "The case is not offered to anybody.",
        ),
    ),
    _problem(
        403,
        "not_your_assignment",
        ("Tawaran bukan untuk Anda", "The offer is not yours to answer"),
        (
            "Yang ditawari menerima atau menolak; yang menawarkan menariknya.",
            "Whom it is offered to accepts or declines; who offered it withdraws it.",
        ),
    ),
    _problem(
        409,
        "merge_undone",
        ("Penggabungan sudah dibatalkan", "The merge is undone"),
        (
            "Penggabungan ini sudah dibatalkan.",
            "This merge was undone before.",
        ),
    ),
    _problem(
        409,
        "package_gone",
        ("Paket rujukan tidak ada", "The package is not there"),
        (
            "Penerima hanya membaca selama rujukan berjalan dan paketnya masih ada.",
            "The receiver reads only while the referral runs and its package is there.",
        ),
    ),
    _problem(
        409,
        "nothing_to_reopen",
        ("Tidak ada yang dapat dibuka kembali", "There is nothing to reopen"),
        (
            "Kasus masih berjalan: sebutkan rujukan yang dilaporkan terealisasi tetapi layanannya tidak diterima.",
            "The case still runs: name a referral that was reported as realized and whose service never came.",
        ),
    ),
    _problem(
        409,
        "reopening_asked",
        ("Permintaan buka kembali menunggu jawaban", "A request to reopen waits for its answer"),
        ("Jawab dahulu permintaan itu.", "That request is answered first."),
    ),
    _problem(
        409,
        "reopening_not_asked",
        ("Tidak ada permintaan buka kembali", "Nobody has asked to reopen this"),
        (
            "Hanya permintaan dari pihak keluarga (reopening_asked_at) yang dapat dijawab.",
            "Only what its people asked for (reopening_asked_at) is answered.",
        ),
    ),
    _problem(
        409,
        "merge_depended_on",
        ("Penggabungan sudah menjadi dasar hal lain", "Something depends on the merge"),
        (
            "Batalkan dahulu yang terjadi sesudahnya, bila mungkin.",
            "First undo what came after it, where that is possible.",
        ),
    ),
    _problem(
        409,
        "family_plan_ended",
        ("Rencana keluarga berakhir", "The family plan has ended"),
        (
            "Buat rencana keluarga yang baru.",
            "Make a new family plan.",
        ),
    ),
    _problem(
        409,
        "case_in_family_plan",
        ("Kasus sudah dalam rencana", "The case is in the plan"),
        (
            "Kasus ini sudah menjadi bagian rencana itu.",
            "The case belongs to the plan already.",
        ),
    ),
)

PROBLEMS: Final[Mapping[str, Problem]] = MappingProxyType({problem.code: problem for problem in _ALL})
"""The catalog by code."""
